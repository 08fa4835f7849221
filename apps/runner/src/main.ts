import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { closeInheritedDescriptors } from '@necrocode/sandbox';
import { createLogger, maskSpans, shutdownTelemetry } from '@necrocode/telemetry';
import type { RunnerConfig } from './config/config-schema.js';
import { ConfigProblems, loadConfig } from './config/load-config.js';
import { runOnce } from './run-once.js';
import { runPreview } from './run-preview.js';
import { maskFor } from './mask-for.js';
import { gracePeriod, startRunner } from './runner.js';

/** Exit codes, also used by `--once`: the task's outcome, or how the runner ended. */
const exitCodes = { ok: 0, failed: 1, badSettings: 2, gaveTasksBack: 3, secondSignal: 130 } as const;

closeInheritedDescriptors();

const { values: options } = parseArgs({
  options: {
    config: { type: 'string' },
    once: { type: 'boolean' },
    preview: { type: 'boolean' },
    task: { type: 'string' },
  },
});

let config: RunnerConfig;
try {
  config = loadConfig(options.config ?? process.env.NECROCODE_CONFIG, process.env);
} catch (error) {
  if (!(error instanceof ConfigProblems)) throw error;
  process.stderr.write(`necrocode-runner: ${error.message}\n`);
  process.exit(exitCodes.badSettings);
}

maskSpans(maskFor(config));
const log = createLogger({ name: 'runner', level: config.log_level, mask: maskFor(config) });
// Node's own last words would pass no mask.
process.on('uncaughtException', (error) => {
  log.fatal({ error }, 'the runner broke');
  process.exit(exitCodes.failed);
});
try {
  if (options.preview) await preview(config);
  else if (options.once) await once(config);
  else await serve(config);
} catch (error) {
  log.fatal({ error }, 'the runner could not start');
  await shutdownTelemetry();
  process.exit(exitCodes.failed);
}

async function serve(settings: RunnerConfig): Promise<void> {
  const starting = startRunner(settings, log);
  onStopSignal(async () => {
    const { finished } = await (await starting).drain();
    log.info({ finished }, 'stopped');
    await shutdownTelemetry();
    process.exit(finished ? exitCodes.ok : exitCodes.gaveTasksBack);
  });
  const runner = await starting;
  process.send?.({ ready: true, id: runner.runnerId, http_port: runner.httpPort });
}

async function preview(settings: RunnerConfig): Promise<void> {
  const code = await runPreview(settings, taskFile('--preview'), log);
  await shutdownTelemetry();
  // What is piped is written piece by piece.
  process.stdout.write('', () => process.exit(code));
}

async function once(settings: RunnerConfig): Promise<void> {
  const file = taskFile('--once');
  const stop = new AbortController();
  onStopSignal(() => {
    setTimeout(() => stop.abort(), gracePeriod(settings).finishMs).unref();
  });
  const ended = await runOnce(settings, file, log, stop.signal);
  await shutdownTelemetry();
  process.exit(exitCodes[ended]);
}

/** The first signal asks the runner to stop; a second one ends it at once, whatever it is doing. */
function onStopSignal(stop: () => void | Promise<void>): void {
  let stopping = false;
  const hear = (signal: string) => {
    if (stopping) process.exit(exitCodes.secondSignal);
    stopping = true;
    log.info({ signal }, 'stopping: no new tasks');
    Promise.resolve(stop()).catch((error: unknown) => {
      log.fatal({ error }, 'the runner could not stop in order');
      process.exit(exitCodes.failed);
    });
  };
  process.on('SIGTERM', hear);
  process.on('SIGINT', hear);
}

function taskFile(mode: string): string {
  if (options.task) return options.task;
  process.stderr.write(`necrocode-runner: ${mode} needs --task FILE\n`);
  process.exit(exitCodes.badSettings);
}
