import { artifactTypes, taskResultSchema } from '@necrocode/contracts';
import { z } from 'zod';
import type { Lease } from '../pipeline/ports.js';

/** What waits on disk to be told: a document of this shape, and for an artifact its content beside it. */
export const spoolEntrySchema = z.strictObject({
  version: z.literal(1),
  kept_at: z.iso.datetime(),
  lease: z.strictObject({
    spec_name: z.string(),
    task_id: z.string(),
    fencing_token: z.string().regex(/^\d+$/),
    run: z.int(),
    attempt: z.int(),
  }),
  what: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('report'), result: taskResultSchema }),
    z.strictObject({
      kind: z.literal('artifact'),
      type: z.enum(artifactTypes),
      name: z.string(),
      media_type: z.string(),
      /** The same at every try, so that a reply that was lost does no harm. */
      upload_id: z.string(),
    }),
  ]),
});
export type SpoolEntry = Readonly<z.infer<typeof spoolEntrySchema>>;

export function writeLease({ key, fencingToken, run, attempt }: Lease): SpoolEntry['lease'] {
  const { specName, taskId } = key;
  return { spec_name: specName, task_id: taskId, fencing_token: String(fencingToken), run, attempt };
}

export function readLease({ spec_name, task_id, fencing_token, run, attempt }: SpoolEntry['lease']): Lease {
  const key = { specName: spec_name, taskId: task_id };
  return { key, fencingToken: BigInt(fencing_token), run, attempt };
}
