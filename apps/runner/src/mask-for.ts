import { natsSecrets } from '@necrocode/contracts';
import { createMask, tooShort, type Mask } from '@necrocode/telemetry';
import type { RunnerConfig } from './config/config-schema.js';
import { natsAccessOf } from './connections.js';

const masks = new WeakMap<RunnerConfig, Mask>();

/** What a runner hides in everything it writes: its secrets, those inside addresses included, and tokens. */
export function maskFor(config: RunnerConfig): Mask {
  const known = masks.get(config);
  if (known) return known;
  const mask = createMask(Object.values(secretsOf(config)).flat());
  masks.set(config, mask);
  return mask;
}

/** The settings whose secrets are too short to be told from ordinary words. */
export function unmaskable(config: RunnerConfig): string[] {
  return Object.entries(secretsOf(config)).flatMap(([setting, secrets]) =>
    secrets.some((secret) => secret !== '' && tooShort(secret)) ? [setting] : [],
  );
}

function secretsOf(config: RunnerConfig): Record<string, string[]> {
  const { llm, git, nats_url } = config;
  const bases = [llm.base_url, ...llm.fallbacks.map(({ base_url }) => base_url)];
  return {
    'llm.api_key': [llm.api_key ?? ''],
    'git.token': [git.token ?? ''],
    nats_url: nats_url.split(',').flatMap(secretsInUrl),
    'nats_password or nats_creds': natsSecrets(natsAccessOf(config)),
    'llm.base_url': bases.flatMap((base) => (base === undefined ? [] : secretsInUrl(base))),
  };
}

/** The password; where there is none, what stands in the place of the user is a token. */
function secretsInUrl(text: string): string[] {
  const url = URL.parse(text.trim());
  const secret = url?.password || url?.username;
  return secret ? [decoded(secret)] : [];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
