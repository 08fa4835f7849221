import { formatKey, specNameSchema, taskIdSchema } from '@necrocode/contracts';
import { z } from 'zod';

const named = z.looseObject({ spec_name: specNameSchema, task_id: taskIdSchema });

/** `<spec>/<task>` of a document that names its task; undefined for any other bytes. */
export function readTaskKey(document: Uint8Array | string): string | undefined {
  try {
    const text = typeof document === 'string' ? document : new TextDecoder().decode(document);
    const { spec_name, task_id } = named.parse(JSON.parse(text));
    return formatKey({ specName: spec_name, taskId: task_id });
  } catch {
    return undefined;
  }
}
