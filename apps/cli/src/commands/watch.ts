import { openTaskRegistry } from '../reach/task-registry.js';
import { resolveKey } from '../resolve-key.js';
import type { ExitCode, Session } from '../session.js';
import { followRun } from './follow-run.js';

export interface WatchOptions {
  readonly output?: boolean;
}

/** Shows the present run of a task until it ends; succeeds only when it ends as done. */
export async function watch(text: string, options: WatchOptions, session: Session): Promise<ExitCode> {
  const registry = openTaskRegistry(session.endpoints.taskRegistry);
  try {
    const key = await resolveKey(text, registry);
    const { task } = await registry.getTask(key);
    const { status } = await followRun({ key, run: task.run, registry, output: options.output }, session);
    return status === 'done' ? 0 : 1;
  } finally {
    registry.close();
  }
}
