/**
 * What tokens look like that services hand out. The forms follow the rules of gitleaks 8.30 (MIT licence,
 * Zachary Rice and others, config/gitleaks.toml), as far as tokens have a beginning of their own; those that
 * are told only by a name beside them are one careful rule here.
 */
export interface TokenRule {
  /** As in "it holds what looks like …". */
  readonly kind: string;
  /** How it begins, in lower case, `?` for any character of a word: where one of these stands, the form is tried. */
  readonly begins: readonly string[];
  /** The whole of it, from its beginning on. */
  readonly form: RegExp;
  /** Longer ones are not looked at to their end. */
  readonly atMost?: number;
  /** What may not stand before it; word characters by default. */
  readonly notBehind?: RegExp;
  /** It is told by a name before it, behind which `=` or `:` stands. */
  readonly assigned?: boolean;
  /** Anything may stand before it. */
  readonly anywhere?: boolean;
  /** Too common in honest code to refuse a change for. */
  readonly vague?: boolean;
}

const lineBreak = /(?:\\+[rn]|[\s"'`,+>|-])/.source;

/** Paths and names of several words have letters and digits as well, so there is one separator at most. */
const mixed =
  /(?=[^'"\s]{0,99}\d[^'"\s]{0,99}\d)(?=[^'"\s]{0,99}[A-Za-z])(?![^'"\s]{0,99}[-_/][^'"\s]{0,99}[-_/])/
    .source;

export const tokenRules: readonly TokenRule[] = [
  {
    kind: 'a private key',
    begins: ['-----begin'],
    form: new RegExp(
      `-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?=[^]{0,300}?(?=[A-Za-z/+]{0,39}[0-9])[A-Za-z0-9/+]{40})` +
        `(?:${lineBreak}{1,40}(?:[A-Za-z-]{4,20}: [^\\\\\\r\\n]{1,100}|[A-Za-z0-9/=+]{1,100}))+` +
        `(?:${lineBreak}{0,40}-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----)?`,
      'y',
    ),
    atMost: 20_000,
    anywhere: true,
  },
  {
    kind: 'a GitHub token',
    begins: ['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_'],
    form: /(?:gh[opsru]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})(?!\w)/y,
  },
  {
    kind: 'a GitLab token',
    begins: [
      'glpat-',
      'glptt-',
      'gldt-',
      'glrt-',
      'glsoat-',
      'glcbt-',
      'glffct-',
      'glft-',
      'glimt-',
      'glagent-',
      'gloas-',
    ],
    form: /gl(?:pat|ptt|dt|rt|soat|cbt|ffct|ft|imt|agent|oas)-[\w.-]{20,300}/y,
  },
  {
    kind: 'an AWS access key',
    begins: ['akia', 'asia', 'abia', 'acca'],
    form: /(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?!\w)/y,
  },
  {
    kind: 'an AWS secret key',
    begins: ['aws_secret', 'awssecret', 'aws-secret'],
    form: /aws[_-]?secret[_-]?(?:access[_-]?)?key(?:\\*['"])?\s{0,9}[:=]\s{0,9}(?:\\*['"])?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/iy,
    assigned: true,
    anywhere: true,
  },
  {
    kind: 'a Slack token',
    begins: ['xoxa-', 'xoxb-', 'xoxe-', 'xoxe.', 'xoxo-', 'xoxp-', 'xoxr-', 'xoxs-', 'xapp-'],
    form: /(?:xox[abeoprs]|xapp)[-.](?=[A-Za-z0-9-]{0,99}\d{8})[A-Za-z0-9-]{16,255}/y,
  },
  {
    kind: 'a Slack webhook',
    begins: ['hooks.slack.com/'],
    form: /hooks\.slack\.com\/(?:services|workflows|triggers)\/[A-Za-z0-9+/]{43,56}/y,
  },
  {
    kind: 'an API key',
    begins: ['sk-?', 'sk_live_', 'rk_live_', 'sk_test_', 'rk_test_', 'sk_prod_', 'rk_prod_'],
    form: /(?:sk-|[rs]k_(?:live|test|prod)_)(?=[\w-]{0,99}\d)(?=[\w-]{0,99}[A-Z])(?=[\w-]{0,99}[A-Za-z0-9]{16})[\w-]{20,255}/y,
    notBehind: /[\w.-]/,
  },
  { kind: 'a Google API key', begins: ['aiza'], form: /AIza[\w-]{35}(?![\w-])/y },
  { kind: 'an npm token', begins: ['npm_'], form: /npm_[A-Za-z0-9]{36}(?!\w)/y },
  {
    kind: 'a PyPI token',
    begins: ['pypi-ageichlwas5vcmc'],
    form: /pypi-AgEIcHlwaS5vcmc[\w-]{50,1000}/y,
    atMost: 1_100,
  },
  { kind: 'a RubyGems token', begins: ['rubygems_'], form: /rubygems_[a-f0-9]{48}(?!\w)/y },
  { kind: 'a Hugging Face token', begins: ['hf_?', 'api_org_'], form: /(?:hf|api_org)_[A-Za-z]{34}(?!\w)/y },
  {
    kind: 'a SendGrid key',
    begins: ['sg.?'],
    form: /SG\.[\w-]{16,32}\.[\w-]{16,64}(?!\w)/y,
    notBehind: /[\w.-]/,
  },
  {
    kind: 'a DigitalOcean token',
    begins: ['dop_v1_', 'doo_v1_', 'dor_v1_'],
    form: /do[opr]_v1_[a-f0-9]{64}(?!\w)/y,
  },
  { kind: 'a Databricks token', begins: ['dapi'], form: /dapi[a-f0-9]{32}(?:-\d)?(?!\w)/y },
  { kind: 'a Docker Hub token', begins: ['dckr_pat_'], form: /dckr_pat_[\w-]{27}(?![\w-])/y },
  { kind: 'a Vault token', begins: ['hvs.', 'hvb.'], form: /hv[sb]\.[\w-]{90,300}/y, atMost: 400 },
  {
    kind: 'a Shopify token',
    begins: ['shpat_', 'shpca_', 'shppa_', 'shpss_'],
    form: /shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}(?!\w)/y,
  },
  {
    kind: 'a Grafana token',
    begins: ['glsa_', 'glc_'],
    form: /(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,400}={0,3})(?!\w)/y,
    atMost: 500,
  },
  { kind: 'a Linear key', begins: ['lin_api_'], form: /lin_api_[A-Za-z0-9]{40}(?!\w)/y },
  { kind: 'a Notion token', begins: ['ntn_'], form: /ntn_[0-9]{11}[A-Za-z0-9]{35}(?!\w)/y },
  { kind: 'a Postman key', begins: ['pmak-'], form: /PMAK-[a-fA-F0-9]{24}-[a-fA-F0-9]{34}(?!\w)/y },
  { kind: 'a Pulumi token', begins: ['pul-'], form: /pul-[a-f0-9]{40}(?!\w)/y },
  { kind: 'a Sentry token', begins: ['sntryu_'], form: /sntryu_[a-f0-9]{64}(?!\w)/y },
  {
    kind: 'an age key',
    begins: ['age-secret-key-1'],
    form: /AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}/y,
  },
  {
    kind: 'a signed token (JWT)',
    begins: ['eyj?'],
    form: /eyJ[\w-]{10,4000}\.eyJ[\w-]{10,4000}\.[\w-]{20,4000}/y,
    atMost: 12_000,
    notBehind: /[\w-]/,
    // Tests of everything that signs in are full of made-up ones.
    vague: true,
  },
  {
    kind: 'a secret',
    begins: ['api_', 'api-', 'apik', 'apit', 'apis', 'secret', 'token', 'passw'],
    form: new RegExp(
      `(?:api|secret|token|passw(?:or)?d)[\\w-]{0,20}(?:\\\\*['"])?\\s{0,9}[:=]\\s{0,9}(?<quote>\\\\*['"])` +
        `(?:[0-9a-f]{32,128}|${mixed}[A-Za-z0-9+/_=-]{24,255})\\k<quote>`,
      'iy',
    ),
    anywhere: true,
    assigned: true,
    vague: true,
  },
];
