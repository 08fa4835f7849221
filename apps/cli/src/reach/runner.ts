import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { taskPreviewSchema, type Task, type TaskPreview } from '@necrocode/contracts';
import { CommandRefused } from '../command-refused.js';

const entryPoint = resolve(import.meta.dirname, '../../../runner/dist/main.js');

/**
 * What a runner with this environment would ask a model first. The runner is started for this question
 * alone and needs neither NATS nor services.
 *
 * @param entry the runner's program
 * @throws CommandRefused when there is no runner beside the command line, or with what stands in its way
 */
export async function previewByRunner(
  task: Task,
  environment: Readonly<Record<string, string | undefined>>,
  entry = entryPoint,
): Promise<TaskPreview> {
  if (!existsSync(entry)) {
    throw new CommandRefused(
      '--dry-run needs the runner, which is not installed beside necro: run npm run build',
    );
  }
  const child = spawn(process.execPath, [entry, '--preview', '--task', '-'], {
    env: { ...environment, NODE_NO_WARNINGS: '1' },
    stdio: 'pipe',
  });
  // The runner removes its temporary files, then both end.
  const pass = (signal: NodeJS.Signals) => void child.kill(signal);
  process.on('SIGINT', pass).on('SIGTERM', pass);
  try {
    const exited = new Promise<number | null>((done, fail) => child.once('close', done).once('error', fail));
    // It may have ended before it has read its task; its words tell why.
    child.stdin.on('error', () => undefined).end(JSON.stringify(task));
    const [code, printed, said] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
    if (code === 0) return taskPreviewSchema.parse(JSON.parse(printed));
    throw new CommandRefused(reasonIn(said) ?? 'the runner ended without an answer', code === 2 ? 2 : 1);
  } finally {
    process.off('SIGINT', pass).off('SIGTERM', pass);
  }
}

/** Behind the runner's name; what stands before is its log, which only tells more. */
function reasonIn(said: string): string | undefined {
  const reason = /^necrocode-runner: ([^]*)/m.exec(said);
  if (!reason?.[1]) return said.trim() || undefined;
  const log = said.slice(0, reason.index).trim();
  return [reason[1].trim(), ...(log ? [log] : [])].join('\n');
}
