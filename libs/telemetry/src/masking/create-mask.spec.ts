import { createHash } from 'node:crypto';
import { createMask } from './create-mask.js';

const secret = 's3cr3t/token+value é"q';

describe('createMask', () => {
  const mask = createMask([secret, '', undefined, 'abc']);
  const bytes = Buffer.from(secret);

  it.each([
    ['raw', secret],
    ['inside JSON', JSON.stringify(`x ${secret} y`).slice(1, -1)],
    ['inside JSON inside JSON', JSON.stringify(JSON.stringify(`x ${secret} y`)).slice(3, -3)],
    [
      'inside JSON with other escapes',
      secret.replaceAll('/', '\\/').replace('é', '\\u00E9').replace('"', '\\"'),
    ],
    ['URL-encoded', encodeURIComponent(secret)],
    ['a form field', new URLSearchParams({ '': secret }).toString().slice(1)],
    ['URL-encoded to the last byte', [...bytes].map((b) => `%${b.toString(16)}`).join('')],
    ['URL-encoded twice', encodeURIComponent(encodeURIComponent(secret))],
    ['HTML', secret.replace('"', '&quot;')],
    ['a path as git quotes it', secret.replace('é', '\\303\\251').replace('"', '\\"')],
    ['hex', bytes.toString('hex')],
    ['hex in upper case', bytes.toString('hex').toUpperCase()],
    ['hex in pairs', [...bytes].map((b) => b.toString(16).padStart(2, '0')).join(':')],
    ['base64', bytes.toString('base64')],
    ['base64 in a URL', encodeURIComponent(bytes.toString('base64'))],
    ['base64url', bytes.toString('base64url')],
  ])('[AR-10.5] hides a secret that is %s', (_form, text) => {
    const masked = mask(`before ${text} after`);
    expect(masked).toMatch(/^before (x )?\[masked\]( y|=+|(%3D)+)? after$/);
  });

  it.each([
    ['after one byte', `x${secret}yz`],
    ['after two bytes', `xx${secret}z`],
    ['between other things', `user:${secret}:rest`],
  ])('[AR-10.5] hides all that base64 tells of a secret %s', (_where, text) => {
    for (const coding of ['base64', 'base64url'] as const) {
      const encoded = Buffer.from(text).toString(coding);
      const shown = mask(encoded).split('[masked]').join('');
      const [from, to] = [text.indexOf(secret), text.indexOf(secret) + secret.length + 1];
      expect(shown.length).toBeLessThanOrEqual(encoded.length - Math.floor(((to - from) * 4) / 3));
    }
  });

  it('[AR-10.5] hides base64 that is wrapped, also in JSON and in a diff', () => {
    const long = createHash('sha512').update('seed').digest('hex');
    const masker = createMask([long]);
    const wrapped = Buffer.from(`x${long}`).toString('base64').replace(/.{76}/g, '$&\n');
    expect(masker(wrapped)).toMatch(/^..?\[masked\]/);
    expect(masker(wrapped)).toHaveLength(masker(wrapped.replaceAll('\n', '')).length);
    expect(masker(JSON.stringify(wrapped))).toMatch(/^"..?\[masked\].{0,4}"$/);
    expect(masker(wrapped.replaceAll('\n', '\n+'))).not.toContain(wrapped.slice(80, 100));
  });

  it('[AR-10.5] leaves text alone when a secret is empty or too short to be one', () => {
    expect(mask('abc and nothing')).toBe('abc and nothing');
  });

  it('[AR-10.5] hides every line of a secret with several, and not the words around them', () => {
    const [first, second, last] = ['q1W2e3R4t5Y6u7I8o9P0', 'a1S2d3F4g5H6j7K8l9', 'zX=='];
    const key = `-----BEGIN PRIVATE KEY-----\r\n${first}\r\n${second}\r\n${last}\r\n-----END PRIVATE KEY-----\r\n`;
    const masker = createMask([key]);
    expect(masker(`one ${second} line`)).toBe('one [masked] line');
    expect(masker(`-----BEGIN PRIVATE KEY-----`)).toBe('-----BEGIN PRIVATE KEY-----');
    expect(masker(JSON.stringify({ second, last: `${second}\n${last}` }))).toBe(
      '{"second":"[masked]","last":"[masked]"}',
    );
    expect(masker(Buffer.from(key).toString('base64'))).not.toContain(
      Buffer.from(`x${second}`).toString('base64').slice(3, 12),
    );
  });

  it('[AR-10.5] leaves JSON readable whatever stands before a secret', () => {
    const masker = createMask(['needle-4711', 'e9abcdef0', 'ünder-cover']);
    for (const text of [
      '\nneedle-4711',
      '\\needle-4711',
      '\u000e9abcdef0',
      '"\\"needle-4711"',
      '\nünder-cover',
    ]) {
      const json = JSON.stringify({ text: `a${text}b`, nested: JSON.stringify({ text }) });
      expect(() => JSON.parse(masker(json)) as unknown).not.toThrow();
      expect(masker(json)).toContain('[masked]');
    }
  });

  it('[AR-10.5] hides tokens by their form, beside its own secrets', () => {
    const token = ['ghp_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('');
    expect(mask(`${token} and ${secret}`)).toBe('[masked] and [masked]');
    expect(mask.holdsSecret(token)).toBe(false);
    expect(mask.holdsSecret(Buffer.from(secret).toString('hex'))).toBe(true);
  });

  it('[AR-10.5] masks documents value by value and keeps bytes that are no text', () => {
    expect(mask.within({ list: [secret, 1, null], [secret]: true })).toEqual({
      list: ['[masked]', 1, null],
      '[masked]': true,
    });
    const binary = Buffer.from([0xff, 0x00, ...bytes, 0xfe]);
    expect(mask.bytes(binary)).toEqual(Buffer.from([0xff, 0x00, ...Buffer.from('[masked]'), 0xfe]));
    const untouched = Buffer.from([0xff, 0xfe]);
    expect(mask.bytes(untouched)).toBe(untouched);
  });
});
