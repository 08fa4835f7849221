import { findTokens } from './token-finder.js';

/** Put together here, so that this file holds no token itself. */
const join = (...parts: string[]) => parts.join('');
const mixed = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0';

/** The kind of the first token in a text. */
const kindIn = (text: string) => findTokens(Buffer.from(text))[0]?.kind;

describe('findTokens', () => {
  it.each([
    ['a private key', join('-----BEGIN RSA PRIVATE', ' KEY-----\n', mixed, '\n', mixed)],
    [
      'a private key',
      join('"-----BEGIN PRIVATE', ' KEY-----\\n', mixed, '\\n-----END PRIVATE', ' KEY-----\\n"'),
    ],
    ['a GitHub token', join('token: ghp_', mixed)],
    ['a GitHub token', join('github', '_pat_', mixed)],
    ['a GitHub token', join('gho_', mixed)],
    ['a GitLab token', join('glpat-', mixed.slice(0, 20))],
    ['an AWS access key', join('AKIA', 'Z7QWERTYUIOP2345')],
    ['an AWS secret key', join('AWS_SECRET_ACCESS_KEY=', mixed)],
    ['an AWS secret key', join('"aws_secret_access_key": "', mixed, '"')],
    ['a Slack token', join('xoxb-', '123456789012-abcdef')],
    ['an API key', join('sk-', 'proj-', mixed)],
    ['an API key', join('sk_', 'live_', mixed.slice(0, 24))],
    ['a PyPI token', join('pypi-', 'AgEIcHlwaS5vcmc', mixed, mixed)],
    ['a Slack webhook', join('https://hooks.', 'slack.com/services/T0/B0/', mixed)],
    ['a SendGrid key', join('SG', '.', mixed.slice(0, 22), '.', mixed)],
    ['a Hugging Face token', join('hf', '_', 'abcdefghijklmnopqrstuvwxyzABCDEFGH')],
    ['a Google API key', join('AIza', mixed.slice(0, 35))],
    ['an npm token', join('npm_', mixed.slice(0, 36))],
    ['a signed token (JWT)', join('eyJ', mixed, '.eyJ', mixed, '.', mixed)],
    ['a secret', join('api_key = "', mixed.slice(0, 24), '"')],
    ['a secret', join("'password': '", mixed.slice(0, 30), "'")],
    ['a secret', join('clientSecret: "', mixed, '"')],
  ])('[AR-10.5] finds %s (%#)', (kind, text) => {
    expect(kindIn(`first line\n${text}\nlast line\n`)).toBe(kind);
  });

  it.each([
    'const token = process.env.GITHUB_TOKEN ?? readFileSync(path);',
    'token: "the-name-of-a-very-long-setting-in-words"',
    'password = "short1"',
    join('AKIA', 'IOSFODNN7EXAMPLE'),
    join('ghp_', 'x'.repeat(36)),
    '"integrity": "sha512-52N+Y4HRMOJmbLmr+DqO4iSRyyB7N52gm7PWCT6h0p978+oKbqHCB7gIJIwZvBUsjlSdWbrBFqUSmIFNZMpn0A=="',
    '.sk-loading-spinner-with-a-long-name { color: red }',
    'commit 93b96b4ae180d9c0ffee0123456789abcdef0123',
    '-----BEGIN PUBLIC KEY-----',
    join("text.startsWith('-----BEGIN PRIVATE", " KEY-----') || fail('no key')"),
    'const apiKeyOfTheVeryLongNameThatGoesOnAndOn = token1234567890',
  ])('[AR-3.1] takes code and examples for what they are: %s', (text) => {
    expect(kindIn(text)).toBeUndefined();
  });

  it('[AR-10.5] comes to an end on megabytes of beginnings', () => {
    for (const start of [
      'token: "',
      'ghp_',
      'eyJaaaaaaaaaa.',
      'sk-a',
      'aws_secret_key=',
      'api_',
      '-----BEGIN ',
      'password_',
    ]) {
      expect(kindIn(start.repeat(2_000_000 / start.length))).toBeUndefined();
    }
  });

  it('[AR-10.5] tells where each of several is, beside bytes that are no text', () => {
    const token = join('npm_', mixed.slice(0, 36));
    const bytes = Buffer.concat([Buffer.from([0xff, 0xe9]), Buffer.from(`${token} é ${token}`)]);
    expect(findTokens(bytes).map(({ start, end }) => bytes.subarray(start, end).toString())).toEqual([
      token,
      token,
    ]);
  });
});
