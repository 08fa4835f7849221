import {
  artifactRefSchema,
  artifactTypes,
  formatProblems,
  problemsOf,
  specNameSchema,
  taskIdSchema,
  type artifactStore as wire,
} from '@necrocode/contracts';
import { rpcError, status } from '@necrocode/rpc';
import { z } from 'zod';

/** What an upload announces, checked. */
export interface ArtifactHeader {
  readonly idempotencyKey: string;
  readonly fencingToken: number;
  readonly uri: string;
  readonly specName: string;
  readonly taskId: string;
  readonly run: number;
  readonly type: string;
  readonly name: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** @throws RpcException INVALID_ARGUMENT that names every field that is wrong */
export function readHeader(header: wire.UploadHeader | undefined, maxBytes: number): ArtifactHeader {
  if (!header) throw rpcError(status.INVALID_ARGUMENT, 'header: the first message must be the header');
  const parsed = schema.safeParse(header);
  if (!parsed.success) throw rpcError(status.INVALID_ARGUMENT, formatProblems(problemsOf(parsed.error)));
  const { data } = parsed;
  const sizeBytes = Number(data.sizeBytes);
  if (sizeBytes > maxBytes) {
    throw rpcError(status.INVALID_ARGUMENT, `sizeBytes: the largest artifact is ${maxBytes} bytes`);
  }
  return {
    ...data,
    sizeBytes,
    fencingToken: Number(data.fencingToken),
    mediaType: data.mediaType || 'application/octet-stream',
    uri: `artifact://${data.specName}/${data.taskId}/${data.run}/${data.type}/${data.name}`,
  };
}

/** @throws RpcException INVALID_ARGUMENT unless it has the form that uploads answer with */
export function checkUri(uri: string): string {
  if (!/^artifact:\/\/[^/]+\/[^/]+\/\d+\/[^/]+\/[^/]+$/.test(uri)) {
    throw rpcError(status.INVALID_ARGUMENT, 'uri: must be artifact://<spec>/<task-id>/<run>/<type>/<name>');
  }
  return uri;
}

const safeInteger = z.bigint().max(BigInt(Number.MAX_SAFE_INTEGER));

/** A page of a thousand artifacts has to fit into one message. */
const longestMetadata = 8 * 1024;

const metadata = z
  .record(
    z.string().regex(/^[A-Za-z0-9_.-]{1,64}$/, 'must be named by letters, digits, . _ and -'),
    z.string(),
  )
  .refine(
    (entries) => JSON.stringify(entries).length <= longestMetadata,
    `must be at most ${longestMetadata} long`,
  );

const schema = z.object({
  idempotencyKey: z.string().max(200),
  fencingToken: safeInteger,
  specName: specNameSchema,
  taskId: taskIdSchema,
  run: z.int().min(1),
  type: z.enum(artifactTypes),
  name: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/, 'must be one path segment of A-Z a-z 0-9 . _ -'),
  mediaType: z
    .string()
    .max(200)
    .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII'),
  sizeBytes: safeInteger,
  sha256: artifactRefSchema.shape.sha256,
  metadata,
});
