import { createHash } from 'node:crypto';
import { createMask } from './create-mask.js';

/** Acceptance asks for this many. */
const splits = 200_000;

const secrets = [
  'ghx-5f3a9c77d1e24b60',
  'p@ss/w+rd =&"q\\n',
  'schlüssel-☃-𝄞-geheim',
  'aaaaaaab',
  'hunter2hunter2hunter2',
];

const encodings: readonly ((secret: string) => string)[] = [
  (secret) => secret,
  (secret) => JSON.stringify(secret).slice(1, -1),
  (secret) => JSON.stringify(JSON.stringify(secret)).slice(3, -3),
  (secret) =>
    secret.replace(/[^ -~]|["\\]/g, (c) =>
      c
        .split('')
        .map((u) => `\\u${hex(u.charCodeAt(0), 4)}`)
        .join(''),
    ),
  (secret) => JSON.stringify(secret).slice(1, -1).replaceAll('/', '\\/'),
  encodeURIComponent,
  (secret) => encodeURIComponent(secret).toLowerCase(),
  (secret) => new URLSearchParams({ k: secret }).toString().slice(2),
  (secret) => [...Buffer.from(secret)].map((byte) => `%${hex(byte, 2)}`).join(''),
  (secret) => Buffer.from(secret).toString('hex'),
  (secret) => Buffer.from(secret).toString('hex').toUpperCase(),
  ...['', 'x', 'xy'].flatMap((before) =>
    ['', 'z', 'zz'].flatMap((after) => [
      (secret: string) => base64(before, secret, after),
      (secret: string) => base64(before, secret, after).replaceAll('+', '-').replaceAll('/', '_'),
      (secret: string) => base64(before, secret, after).replace(/.{8}/g, '$&\r\n'),
    ]),
  ),
];

describe('a mask over pieces', () => {
  const mask = createMask(secrets);
  const random = randomFrom('splits');

  it(`[AR-10.5] lets nothing through in ${splits} splits of every encoding`, () => {
    const cases = secrets.flatMap((secret) => encodings.map((encode) => caseOf(encode(secret))));
    let leaks = 0;
    let unlike = 0;
    for (let n = 0; n < splits; n += 1) {
      const { bytes, leaking, whole } = cases[n % cases.length] as (typeof cases)[number];
      const stream = mask.stream();
      const parts: Buffer[] = [];
      for (let from = 0; from < bytes.length;) {
        const to = from + 1 + random(n % 10 === 0 ? 3 : bytes.length);
        parts.push(stream.write(bytes.subarray(from, to)));
        from = to;
      }
      const masked = Buffer.concat([...parts, stream.flush()]).toString('latin1');
      if (leaking.some((text) => masked.includes(text))) leaks += 1;
      if (masked !== whole) unlike += 1;
    }
    expect({ leaks, unlike }).toEqual({ leaks: 0, unlike: 0 });
  });

  it('[AR-10.5] holds back only what may be the beginning of a secret', () => {
    const stream = mask.stream();
    expect(stream.write(Buffer.from('nothing to see, ghx')).toString()).toBe('nothing to see, ');
    expect(stream.write(Buffer.from('-5f3')).toString()).toBe('');
    expect(stream.write(Buffer.from(' no')).toString()).toBe('ghx-5f3 no');
    expect(stream.flush().toString()).toBe('');
  });

  it('[AR-10.5] does not grow on text that keeps beginning a secret, nor lose what overlaps', () => {
    const stream = createMask(['abababab']).stream();
    let most = 0;
    let written = 0;
    let given = 0;
    for (let n = 0; n < 20_000; n += 1) {
      written += 2;
      given += stream.write(Buffer.from(n % 5_000 === 0 ? 'zz' : 'ab')).length;
      most = Math.max(most, written - given);
    }
    const rest = stream.flush().toString();
    expect(rest).not.toContain('abababab');
    expect(given).toBeLessThan(200);
  });

  function caseOf(encoded: string) {
    const bytes = Buffer.from(`some text ${encoded}, and aaaa ghx- more`);
    const whole = mask.stream();
    const masked = Buffer.concat([whole.write(bytes), whole.flush()]).toString('latin1');
    // Base64 shows the bytes beside the secret as well, so its first and last digits may stay.
    const core = Buffer.from(encoded)
      .toString('latin1')
      .replace(/[\r\n]+/g, '')
      .slice(4, -4);
    const parts = [core.slice(0, 8), core.slice(-8)].filter((part) => part.length === 8);
    return { bytes, leaking: [encoded, ...parts], whole: masked };
  }
});

function base64(before: string, secret: string, after: string): string {
  return Buffer.from(before + secret + after).toString('base64');
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** The same numbers in every run: from 0 up to the bound, which is left out. */
function randomFrom(seed: string): (bound: number) => number {
  let state = createHash('sha256').update(seed).digest().readUInt32LE();
  return (bound) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * bound);
  };
}
