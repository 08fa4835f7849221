import { createMask } from './masking.js';

const secret = 's3cr3t/token+value';

describe('createMask', () => {
  const mask = createMask([secret, '', undefined, 'abc']);

  it.each([
    ['raw', secret],
    ['inside JSON', JSON.stringify({ a: `x"${secret}` })],
    ['URL-encoded', encodeURIComponent(secret)],
    ['hex', Buffer.from(secret).toString('hex')],
    ['base64', Buffer.from(secret).toString('base64')],
    ['base64 after one byte', Buffer.from(`x${secret}yz`).toString('base64')],
    ['base64 after two bytes', Buffer.from(`xx${secret}z`).toString('base64')],
    ['base64url', Buffer.from(`user:${secret}`).toString('base64url')],
  ])('[AR-10.5] hides a secret that is %s', (_form, text) => {
    const masked = mask(`before ${text} after`);
    expect(masked).toContain('[masked]');
    expect(masked).not.toContain(text);
    expect(masked).toMatch(/^before .* after$/);
  });

  it('[AR-10.5] leaves text alone when a secret is empty or too short to be one', () => {
    expect(mask('abc and nothing')).toBe('abc and nothing');
  });
});
