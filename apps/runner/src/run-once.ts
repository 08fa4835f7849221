import { readFile } from 'node:fs/promises';
import { defaultPlace, subjects, type TaskResult } from '@necrocode/contracts';
import { LifeSigns } from '@necrocode/messaging';
import { withSpan, type Logger } from '@necrocode/telemetry';
import type { RunnerConfig } from './config/config-schema.js';
import { makeRunnerId } from './config/load-config.js';
import type { Handled } from './intake/settle.js';
import { openSandbox } from './open-sandbox.js';
import { runTask } from './pipeline/run-task.js';
import { createServices } from './runner-services.js';
import { maskFor } from './mask-for.js';

/** Until the task is claimed, nothing has to be kept alive. */
const claimMs = 120_000;

/**
 * One task without NATS: for Kubernetes Jobs and debugging. The registry still decides whether the task
 * may run; the result goes to standard output as JSON.
 *
 * @param stop aborted when the task has no more time: it is given back
 */
export async function runOnce(
  config: RunnerConfig,
  taskFile: string,
  log: Logger,
  stop: AbortSignal,
): Promise<'ok' | 'failed' | 'gaveTasksBack'> {
  const body = await readFile(taskFile);
  let result: TaskResult | undefined;
  const services = createServices({
    config,
    runnerId: makeRunnerId(config),
    sandbox: await openSandbox(config.sandbox),
    log,
    mask: maskFor(config),
    shutdown: stop,
  });
  const { registry } = services;
  const watched = {
    ...services,
    registry: {
      ...registry,
      report: (...[lease, reported]: Parameters<typeof registry.report>) => {
        result = reported;
        return registry.report(lease, reported);
      },
    },
  };
  const lifeSigns = new LifeSigns({ logger: log });
  const delivery = {
    body,
    place: defaultPlace,
    subject: subjects.task(defaultPlace),
    messageId: taskFile,
    headers: {},
    deliveries: 1,
    publishedAt: new Date(),
    life: lifeSigns.open(claimMs),
  };
  await services.spool.start();
  const handled = await withSpan('task', {}, () => runTask(delivery, watched));
  await lifeSigns.close();
  await services.spool.close();
  services.close();
  if (result) process.stdout.write(`${JSON.stringify(services.mask.within(result))}\n`);
  else process.stderr.write(`necrocode-runner: ${services.mask(whyNotRun(handled))}\n`);
  const doneBefore =
    handled.kind === 'settled' &&
    handled.because?.kind === 'already_handled' &&
    handled.because.state === 'done';
  if (result?.status === 'done' || doneBefore) return 'ok';
  return !result && stop.aborted ? 'gaveTasksBack' : 'failed';
}

function whyNotRun(handled: Handled): string {
  switch (handled.kind) {
    case 'settled':
      if (handled.because?.kind === 'already_handled')
        return `nothing to do: the task is ${handled.because.state}`;
      return `the task did not run: ${handled.because?.reason ?? 'it was given back; the log tells why'}`;
    case 'refused':
      return `the task was refused: ${handled.reason}`;
    case 'unsettled':
      return 'the task did not run: the registry could not be reached';
    case 'newer_schema':
      return 'the task is written for a newer runner';
  }
}
