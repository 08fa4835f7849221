import { formatKey } from '@necrocode/contracts';
import { openTaskRegistry } from '../reach/task-registry.js';
import { resolveKey } from '../resolve-key.js';
import type { ExitCode, Session } from '../session.js';
import { describeTask } from '../show/task-document.js';
import { renderTaskReport } from '../show/task-report.js';

/** Everything that is known of a task. */
export async function get(text: string, options: { json?: boolean }, session: Session): Promise<ExitCode> {
  const { endpoints, terminal } = session;
  const registry = openTaskRegistry(endpoints.taskRegistry);
  try {
    const key = await resolveKey(text, registry);
    const document = describeTask(await registry.getTask(key));
    terminal.print(
      options.json ? JSON.stringify(document, null, 2) : renderTaskReport(formatKey(key), document, terminal),
    );
    return 0;
  } finally {
    registry.close();
  }
}
