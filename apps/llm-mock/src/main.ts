import { createLogger, type Logger } from '@necrocode/telemetry';
import { readConfig, type Config } from './config.js';
import { ScriptError } from './script.js';
import { startLlmMock } from './start-llm-mock.js';

const name = 'llm-mock';

await main();

async function main(): Promise<void> {
  const settings = readConfig(process.env);
  if ('problems' in settings) return refuse(createLogger({ name }), 'bad settings', settings.problems);
  const { config } = settings;
  const logger = createLogger({ name, level: config.logLevel });
  try {
    await serve(config, logger);
  } catch (error) {
    if (error instanceof ScriptError) return refuse(logger, 'bad script', error.message.split('\n'));
    logger.error({ error }, 'cannot start');
    process.exitCode = 1;
  }
}

async function serve({ host, port, scriptFile, latencyMs, apiKey }: Config, logger: Logger): Promise<void> {
  const onBadScript = (error: unknown) => logger.error({ error }, 'changed script cannot be used');
  const mock = await startLlmMock({ host, port, scriptFile, latencyMs, apiKey, onBadScript });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => void mock.close());
  logger.info({ url: mock.url, script: scriptFile }, 'listening');
}

function refuse(logger: Logger, message: string, problems: readonly string[]): void {
  logger.error({ problems }, message);
  process.exitCode = 1;
}
