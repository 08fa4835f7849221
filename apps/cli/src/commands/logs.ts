import { StringDecoder } from 'node:string_decoder';
import { formatKey, type TaskKey } from '@necrocode/contracts';
import { CommandRefused } from '../command-refused.js';
import { openArtifactStore } from '../reach/artifact-store.js';
import { openTaskRegistry, type TaskRegistry } from '../reach/task-registry.js';
import { resolveKey } from '../resolve-key.js';
import type { ExitCode, Session } from '../session.js';
import { harmlessJson } from '../show/terminal.js';
import { describeTask, hasEnded } from '../show/task-document.js';
import { artifactsOfRun } from './artifacts.js';
import { eventsUntilEnd } from './follow-run.js';
import { listenToLog } from './listen-to-log.js';

export interface LogsOptions {
  readonly follow?: boolean;
}

/** The log of a run that has ended, or with `follow` the lines of one that is under way: JSON lines both. */
export async function logs(text: string, options: LogsOptions, session: Session): Promise<ExitCode> {
  const registry = openTaskRegistry(session.endpoints.taskRegistry);
  try {
    const key = await resolveKey(text, registry);
    const known = await registry.getTask(key);
    const { status, artifacts } = describeTask(known);
    if (options.follow && !hasEnded(status)) return await followLog(key, known.task.run, registry, session);
    const log = artifactsOfRun(artifacts).findLast(({ type }) => type === 'log');
    if (!log) {
      const remedy = hasEnded(status)
        ? 'none was stored'
        : 'it is stored when the run ends, --follow shows it live';
      throw new CommandRefused(`${formatKey(key)} is ${status} and has no log: ${remedy}`);
    }
    await printContent(log, session);
    return 0;
  } finally {
    registry.close();
  }
}

async function printContent(
  log: Parameters<ReturnType<typeof openArtifactStore>['download']>[0],
  session: Session,
) {
  const store = openArtifactStore(session.endpoints.artifactStore);
  try {
    const decoder = new StringDecoder();
    for await (const chunk of store.download(log)) {
      await session.terminal.write(harmlessJson(decoder.write(Buffer.from(chunk))));
    }
    await session.terminal.write(harmlessJson(decoder.end()));
  } finally {
    store.close();
  }
}

async function followLog(
  key: TaskKey,
  run: number,
  registry: TaskRegistry,
  session: Session,
): Promise<ExitCode> {
  const { terminal } = session;
  const live = await listenToLog(key, session, ({ raw }) =>
    terminal.print(harmlessJson(raw.trimEnd().replace(/\s*\n\s*/g, ' '))),
  );
  if (!live.heard) return 1;
  try {
    terminal.note(
      `following from here on; the whole log is there when the run has ended (necro logs ${formatKey(key)})`,
    );
    const events = eventsUntilEnd(key, run, registry, session)[Symbol.asyncIterator]();
    while (!(await events.next()).done);
    return 0;
  } finally {
    await live.stop();
  }
}
