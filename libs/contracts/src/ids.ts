import { z } from 'zod';

/** Task id: unique within its spec. Safe as a git ref part, NATS token list and file name. */
export const taskIdSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must match ^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$')
  .refine((id) => !id.includes('..'), 'must not contain ".."')
  .refine((id) => !/\.(lock)?$/.test(id), 'must not end in "." or ".lock"');

export const specNameSchema = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, 'must match ^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$');

/** A runner's name for itself: whatever its host is called, but nothing that could forge a line of a log. */
export const runnerIdSchema = z
  .string()
  .regex(
    /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]{1,200}$/,
    'must be 1 to 200 characters without control characters',
  );

/** What names a task across the system. */
export interface TaskKey {
  readonly specName: string;
  readonly taskId: string;
}

/** `<spec_name>/<task_id>`, the form in which a key is written. */
export function formatKey(key: TaskKey): string {
  return `${key.specName}/${key.taskId}`;
}

/** Reads `<spec_name>/<task_id>`; undefined when the text is not a key. */
export function parseKey(text: string): TaskKey | undefined {
  const [specName, taskId, ...rest] = text.split('/');
  const valid = specNameSchema.safeParse(specName).success && taskIdSchema.safeParse(taskId).success;
  return valid && rest.length === 0 ? { specName: specName as string, taskId: taskId as string } : undefined;
}

export function defaultBranch(key: TaskKey): string {
  return `feature/task-${key.specName}-${key.taskId}`;
}
