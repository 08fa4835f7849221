import { formatKey } from '@necrocode/contracts';
import { openTaskRegistry } from '../reach/task-registry.js';
import { resolveKey } from '../resolve-key.js';
import type { ExitCode, Session } from '../session.js';
import { statusOf } from '../show/task-document.js';

export interface CancelOptions {
  readonly reason?: string;
  readonly json?: boolean;
}

/** Cancels a task: at once while nobody works on it, else by asking its runner to stop. */
export async function cancel(text: string, options: CancelOptions, session: Session): Promise<ExitCode> {
  const { endpoints, terminal } = session;
  const registry = openTaskRegistry(endpoints.taskRegistry);
  try {
    const key = await resolveKey(text, registry);
    const status = statusOf(await registry.cancel(key, options.reason ?? ''));
    const name = formatKey(key);
    if (options.json) terminal.print(JSON.stringify({ key: name, status }));
    else if (status === 'cancelled') terminal.print(`cancelled  ${name}`);
    else if (status === 'running')
      terminal.print(`cancelling  ${name}: its runner was asked to stop (necro watch ${name})`);
    else terminal.note(`${name} has ended already: it is ${status}`);
    return status === 'cancelled' || status === 'running' ? 0 : 1;
  } finally {
    registry.close();
  }
}
