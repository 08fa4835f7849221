import { formatKey } from '@necrocode/contracts';
import { openTaskRegistry } from '../reach/task-registry.js';
import { resolveKey } from '../resolve-key.js';
import type { ExitCode, Session } from '../session.js';

/** Starts the next run of a failed or cancelled task. */
export async function retry(text: string, options: { json?: boolean }, session: Session): Promise<ExitCode> {
  const { endpoints, terminal } = session;
  const registry = openTaskRegistry(endpoints.taskRegistry);
  try {
    const key = await resolveKey(text, registry);
    const run = await registry.retry(key);
    const name = formatKey(key);
    terminal.print(options.json ? JSON.stringify({ key: name, run }) : `run ${run} of ${name} is on its way`);
    return 0;
  } finally {
    registry.close();
  }
}
