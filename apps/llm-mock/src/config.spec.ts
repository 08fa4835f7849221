import { readConfig } from './config.js';

describe('readConfig', () => {
  it('[AR-16.2] reads the environment', () => {
    const env = {
      LISTEN_ADDRESS: '0.0.0.0:81',
      LLM_SCRIPT: 's.yaml',
      LLM_LATENCY_MS: '20',
      LLM_API_KEY: 'k',
    };
    expect(readConfig(env)).toEqual({
      config: {
        host: '0.0.0.0',
        port: 81,
        scriptFile: 's.yaml',
        latencyMs: 20,
        apiKey: 'k',
        logLevel: 'info',
      },
    });
  });

  it('[AR-16.2] names every problem', () => {
    const result = readConfig({ LISTEN_ADDRESS: 'nowhere', LLM_LATENCY_MS: 'x', LOG_LEVEL: 'loud' });
    const names = 'problems' in result ? result.problems.map((problem) => problem.split(':')[0]) : [];
    expect(names).toEqual(['LISTEN_ADDRESS', 'LLM_LATENCY_MS', 'LOG_LEVEL']);
  });
});
