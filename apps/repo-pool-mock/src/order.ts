import {
  formatProblems,
  problemsOf,
  runnerIdSchema,
  specNameSchema,
  taskIdSchema,
  taskSchema,
  type repoPool as wire,
} from '@necrocode/contracts';
import { rpcError, status } from '@necrocode/rpc';
import { z } from 'zod';
import type { Borrower } from './lease-book.js';
import { repositoryName } from './repository-name.js';

/** An allocation as asked for, checked. */
export interface Order {
  readonly idempotencyKey: string;
  /** As the runner wrote it. */
  readonly repoUrl: string;
  /** Its normalised form, which names the repository here. */
  readonly repo: string;
  /** The runner sees the pool's directories. */
  readonly sameHost: boolean;
  readonly borrower: Borrower;
  readonly leaseMs: number;
}

const defaultLeaseSeconds = 60;
const longestLeaseSeconds = 24 * 60 * 60;

/** @throws RpcException INVALID_ARGUMENT that names every field that is wrong */
export function readOrder(request: wire.AllocateRequest, host: string): Order {
  const parsed = schema.safeParse(request);
  if (!parsed.success) {
    throw rpcError(status.INVALID_ARGUMENT, formatProblems(problemsOf(parsed.error)));
  }
  const { repoUrl, runnerId, specName, taskId, taskFencingToken } = parsed.data;
  return {
    idempotencyKey: request.idempotencyKey,
    repoUrl,
    repo: repositoryName(repoUrl),
    sameHost: request.host === host,
    borrower: { runnerId, specName, taskId, taskToken: Number(taskFencingToken) },
    leaseMs: readLeaseMs(request.leaseSeconds),
  };
}

/** Milliseconds; 0 asks for the default of a minute, and nobody gets more than a day. */
export function readLeaseMs(leaseSeconds: number): number {
  return Math.min(leaseSeconds || defaultLeaseSeconds, longestLeaseSeconds) * 1000;
}

const schema = z.object({
  repoUrl: taskSchema.shape.repo_url,
  runnerId: runnerIdSchema,
  specName: specNameSchema,
  taskId: taskIdSchema,
  taskFencingToken: z.bigint().max(BigInt(Number.MAX_SAFE_INTEGER)),
});
