import { formatKey, parseKey, taskIdSchema, type TaskKey } from '@necrocode/contracts';
import { CommandRefused } from './command-refused.js';
import type { TaskRegistry } from './reach/task-registry.js';

/**
 * The key that a user means: `spec/id`, or the id alone where only one spec has it.
 *
 * @throws CommandRefused when the text is no key, or when no task or several have the id
 */
export async function resolveKey(text: string, registry: Pick<TaskRegistry, 'listTasks'>): Promise<TaskKey> {
  const key = parseKey(text);
  if (key) return key;
  if (!taskIdSchema.safeParse(text).success) {
    throw new CommandRefused(`"${text}" is no key of a task: it is written SPEC/ID, such as chat-app/1.1`, 2);
  }
  const found = (await registry.listTasks({ taskId: text })).flatMap((task) => (task.key ? [task.key] : []));
  const [only, ...others] = found;
  if (!only) throw new CommandRefused(`the registry knows no task ${text}: necro list shows what it knows`);
  if (others.length > 0) {
    throw new CommandRefused(
      `several tasks are called ${text}: say which of ${found.map(formatKey).join(', ')}`,
      2,
    );
  }
  return only;
}
