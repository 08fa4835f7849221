/** What tokens and keys look like, by the phrase that names them; the names of files do not tell these. */
const rules: readonly (readonly [string, RegExp])[] = [
  ['a private key', /-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----/g],
  ['a GitHub token', /\b(?:gh[opsru]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})\b/g],
  ['a GitLab token', /\bgl(?:pat|ptt|dt|rt|soat|cbt)-[\w-]{20,255}/g],
  ['an AWS access key', /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g],
  [
    'an AWS secret key',
    /aws_?secret_?(?:access_?)?key['"]?\s{0,9}[:=]\s{0,9}['"]?[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+])/gi,
  ],
  ['a Slack token', /\b(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{10,255}/g],
  ['an API key', /\b(?:sk-|[rs]k_live_)(?=[\w-]{0,99}\d)(?=[\w-]{0,99}[A-Z])[\w-]{20,255}/g],
  ['a Google API key', /\bAIza[\w-]{35}(?![\w-])/g],
  ['an npm token', /\bnpm_[A-Za-z0-9]{36}\b/g],
  ['a signed token (JWT)', /\beyJ[\w-]{10,4000}\.eyJ[\w-]{10,4000}\.[\w-]{20,4000}/g],
  [
    'a secret',
    /(?:api|secret|token|passw(?:or)?d)[\w-]{0,20}['"]?\s{0,9}[:=]\s{0,9}(?<quote>['"])(?=[^'"\s]{0,99}\d)(?=[^'"\s]{0,99}[A-Za-z])[A-Za-z0-9+/_=-]{24,255}\k<quote>/gi,
  ],
];

/** Made to be read: documentation shows tokens whose letters repeat or that say what they are. */
const placeholder = /example|placeholder|redacted|your[_-]|([\w*])\1{9}/i;

/**
 * What in a text looks like a secret, as in "a GitHub token"; undefined where nothing does.
 * Secrets of the runner itself are found by their values (the mask), these by their form.
 */
export function secretIn(text: string): string | undefined {
  for (const [kind, form] of rules) {
    for (const [found] of text.matchAll(form)) if (!placeholder.test(found)) return kind;
  }
  return undefined;
}
