import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@necrocode/testkit';
import { loadConfig } from './load-config.js';
import { maskFor, unmaskable } from '../mask-for.js';

const file = (text: string) => {
  const path = join(tempDir(), 'config.yaml');
  writeFileSync(path, text);
  return path;
};

describe('settings', () => {
  it.each([
    [
      'aliases that grow without end',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefgh'].map((name, at) => `${name}: &${name} [${Array<string>(9).fill(`*${'abcdefgh'[at]}`).join()}]`).join('\n')}\n`,
      /alias/i,
    ],
    ['a file that is too large', `# ${'x'.repeat(1_100_000)}\n`, /too large/],
    ['__proto__', '__proto__: { max_parallel: 9 }\n', /__proto__/],
    ['constructor', 'constructor: { prototype: { max_parallel: 9 } }\n', /unknown setting constructor/],
    ['__proto__ further in', 'task: { __proto__: { max_rounds: 9 } }\n', /task.*__proto__/],
  ])('[AR-10.3] are refused for %s', (_what, text, why) => {
    expect(() => loadConfig(file(text), {})).toThrow(why);
    expect(({} as Record<string, unknown>)['max_parallel']).toBeUndefined();
  });

  it('[AR-10.1] that cannot be read are named without what stands there', () => {
    const load = () => loadConfig(file('llm: { api_key: "very-s3cret", }}\n'), {});
    expect(load).toThrow(/line 1/);
    expect(load).not.toThrow(/s3cret/);
  });

  it('[AR-10.5] hide every secret that they hold, those inside addresses too, and name what is too short', () => {
    const config = loadConfig(
      file('llm: { fallbacks: [{ model: m, base_url: "http://u:pass%2Fword@h/v1" }] }\n'),
      {
        NATS_URL: 'nats://runner:nats-pass-1@a:1,nats://nats-token-2@b:1',
        OPENAI_API_KEY: 'none',
        GIT_TOKEN: 'git-token-3',
      },
    );
    expect(maskFor(config)('nats-pass-1 nats-token-2 pass/word git-token-3 none')).toBe(
      '[masked] [masked] [masked] [masked] none',
    );
    expect(unmaskable(config)).toEqual(['llm.api_key']);
    expect(maskFor(config)).toBe(maskFor(config));
  });
});
