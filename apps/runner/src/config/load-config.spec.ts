import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@necrocode/testkit';
import { loadConfig } from './load-config.js';

const file = (text: string) => {
  const path = join(tempDir(), 'config.yaml');
  writeFileSync(path, text);
  return path;
};

describe('loadConfig', () => {
  it('[AR-15.6] lets the environment override the file', () => {
    const config = loadConfig(file('nats_url: nats://a:1\nmax_parallel: 2\n'), {
      NATS_URL: 'nats://b:2',
      RUNNER_QUEUES: 'default, backend',
    });
    expect(config).toMatchObject({ nats_url: 'nats://b:2', max_parallel: 2, queues: ['default', 'backend'] });
  });

  it('[AR-10.2] lets setup reach no host but those that are named', () => {
    expect(loadConfig(undefined, {}).sandbox.setup_network.hosts).toEqual([]);
    const named = loadConfig(file('sandbox: { setup_network: { hosts: [a.example] } }\n'), {
      SANDBOX_SETUP_HOSTS: 'registry.npmjs.org, *.pypi.org,127.0.0.1:4873',
    });
    expect(named.sandbox.setup_network.hosts).toEqual(['registry.npmjs.org', '*.pypi.org', '127.0.0.1:4873']);
    const wrong = () => loadConfig(undefined, { SANDBOX_SETUP_HOSTS: 'a.example,https://b.example/' });
    expect(wrong).toThrow(/sandbox\.setup_network\.hosts\.1: must be a host/);
  });

  it('[AR-1.4] reads secrets from mounted files', () => {
    const config = loadConfig(undefined, { GIT_TOKEN_FILE: file('tok\n'), OPENAI_API_KEY_FILE: file('key') });
    expect([config.git.token, config.llm.api_key]).toEqual(['tok', 'key']);
  });

  it('[AR-10.1] names every problem and shows no value', () => {
    const load = () =>
      loadConfig(file('max_parallel: -3\nllm: { base_url: sekrit }\nqueue: x\n'), {
        GIT_TOKEN_FILE: '/does/not/exist',
        LOG_LEVEL: 'loud',
      });
    expect(load).toThrow(/max_parallel[^]*queue|queue[^]*max_parallel/);
    expect(load).toThrow(/GIT_TOKEN_FILE/);
    expect(load).toThrow(/log_level \(LOG_LEVEL\)/);
    expect(load).toThrow(/base_url/);
    expect(load).not.toThrow(/sekrit/);
  });

  it('[AR-11.1] refuses settings that contradict each other', () => {
    const load = () =>
      loadConfig(file('heartbeat_seconds: 7\nack_wait_seconds: 30\nslot_wait_seconds: 900\n'), {});
    expect(load).toThrow(/heartbeat_seconds: must be at most a fifth/);
    expect(load).toThrow(/stage_timeout_seconds\.lease_slot: must be more than slot_wait_seconds/);
  });

  it('[AR-11.1] ships a file that holds', () => {
    const shipped = join(import.meta.dirname, '../../../../config/config.yaml');
    expect(loadConfig(shipped, {}).stage_timeout_seconds).toEqual(
      loadConfig(undefined, {}).stage_timeout_seconds,
    );
  });

  it('[AR-3.1] allows neither file nor http unless configured', () => {
    const { git } = loadConfig(undefined, {});
    expect(git).toMatchObject({ protocols: ['https', 'ssh'], http_hosts: [] });
  });

  it('refuses a heartbeat that is too slow for the acknowledgement wait', () => {
    expect(() => loadConfig(file('heartbeat_seconds: 10'), {})).toThrow(/heartbeat_seconds/);
  });

  it('[AR-3.1] refuses a conversation that has no room behind its first request', () => {
    const load = (tokens: number) =>
      loadConfig(file(`llm: { prompt_tokens: 9000, conversation_tokens: ${tokens} }`), {});
    expect(() => load(9_000)).toThrow(/llm\.conversation_tokens: must be more than llm\.prompt_tokens/);
    expect(load(9_001).llm.conversation_tokens).toBe(9_001);
  });
});
