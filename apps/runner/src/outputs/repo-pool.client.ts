import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { repoPool, RunnerError } from '@necrocode/contracts';
import {
  call,
  createClient,
  isMessageTooLarge,
  isStatusError,
  status,
  type GrpcEndpoint,
} from '@necrocode/rpc';
import { addSpanEvent } from '@necrocode/telemetry';
import type { RepoPool, Slot } from '../pipeline/ports.js';
import type { SeedDirectories } from './own-slots.js';
import { judgeRefusal, renewalCall } from './renewal.js';
import { serviceFailure } from './service-failure.js';

/** A lease that could not be given back expires. */
const releasing = { deadlineMs: 5_000, patienceMs: 15_000 };
/** The pool may be away for a minute, which must not cost an attempt. */
const awayPatienceMs = 90_000;
/** The first slot of a repository waits for its clone. */
const allocateDeadlineMs = 180_000;
const exhaustedPauseMs = { first: 250, last: 5_000 };

export interface RepoPoolSettings {
  readonly runnerId: string;
  readonly leaseSeconds: number;
  readonly slotWaitSeconds: number;
}

/** The Repo Pool over gRPC. An exhausted pool is waited for, up to `slotWaitSeconds`. */
export function createRepoPoolClient(
  endpoint: GrpcEndpoint,
  settings: RepoPoolSettings,
  seedDirectories: SeedDirectories,
): RepoPool & { close(): void } {
  const client = createClient(repoPool.RepoPoolServiceClient, endpoint);
  const { runnerId, leaseSeconds, slotWaitSeconds } = settings;
  const release: RepoPool['release'] = async ({ leaseId, fencingToken }, { broken }) => {
    // First, so that the slot is not lent again while its bytes are still here.
    await seedDirectories.remove(leaseId);
    const request = { idempotencyKey: randomUUID(), leaseId, fencingToken, broken };
    await call(client.release.bind(client), request, releasing).catch((error: unknown) => {
      throw translate(error, endpoint);
    });
  };
  return {
    async allocate(lease, repoUrl, signal) {
      const request: repoPool.AllocateRequest = {
        idempotencyKey: randomUUID(),
        repoUrl,
        runnerId,
        host: hostname(),
        specName: lease.key.specName,
        taskId: lease.key.taskId,
        taskFencingToken: lease.fencingToken,
        leaseSeconds,
      };
      const giveUpAt = Date.now() + slotWaitSeconds * 1000;
      for (let wait = exhaustedPauseMs.first; ; wait = Math.min(wait * 2, exhaustedPauseMs.last)) {
        // Without the signal: the pool may have granted a slot by then, which has to be given back.
        const asked = allocateOnce(client, request).catch((error: unknown) => {
          throw translate(error, endpoint);
        });
        const reply = await until(signal, asked, (late) => late && release(late, { broken: false }));
        if (reply) return readSlot(reply, seedDirectories);
        if (Date.now() + wait > giveUpAt) {
          throw new RunnerError('no_slot', `no workspace became free within ${slotWaitSeconds} s`);
        }
        // Runners that were refused together must not ask together again.
        const delay = Math.round(wait * (0.5 + Math.random() / 2));
        addSpanEvent('retry', { reason: 'no free slot', 'retry.delay_ms': delay });
        await pause(delay, undefined, { signal });
      }
    },

    renewal({ leaseId, fencingToken }) {
      const request = { idempotencyKey: '', leaseId, fencingToken, leaseSeconds };
      return {
        call: renewalCall(endpoint, repoPool.RepoPoolServiceService.renew, request),
        judge: (answer) => (answer.kind === 'status' ? judgeRefusal(answer.code) : 'kept'),
      };
    },

    release,

    close: () => client.close(),
  };
}

/** Undefined when all slots are lent. */
async function allocateOnce(
  client: InstanceType<typeof repoPool.RepoPoolServiceClient>,
  request: repoPool.AllocateRequest,
): Promise<repoPool.AllocateResponse | undefined> {
  const options = {
    deadlineMs: allocateDeadlineMs,
    patienceMs: awayPatienceMs,
    dontRetry: [status.RESOURCE_EXHAUSTED],
  };
  try {
    return await call(client.allocate.bind(client), request, options);
  } catch (error) {
    const exhausted = isStatusError(error) && error.code === status.RESOURCE_EXHAUSTED;
    if (exhausted && !isMessageTooLarge(error)) return undefined;
    throw error;
  }
}

/** Waits for what was asked, at most until the signal; what comes later is handed to `undo`. */
async function until<T>(signal: AbortSignal, asked: Promise<T>, undo: (late: T) => unknown): Promise<T> {
  const over = new AbortController();
  const aborted = new Promise<never>((_resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true, signal: over.signal });
  });
  try {
    return await Promise.race([asked, aborted]);
  } catch (error) {
    // Nobody waits for it: a lease that cannot be given back runs out by itself.
    asked.then(undo).catch(() => undefined);
    throw error;
  } finally {
    over.abort();
  }
}

async function readSlot(reply: repoPool.AllocateResponse, directories: SeedDirectories): Promise<Slot> {
  const { leaseId, fencingToken, directory, seed } = reply;
  if (directory) return { leaseId, fencingToken, ...directory };
  if (seed) return { leaseId, fencingToken, ...(await directories.make(seed, leaseId)) };
  throw new RunnerError('repo_pool_unavailable', 'the repo pool granted a slot without a workspace');
}

function translate(error: unknown, endpoint: GrpcEndpoint): unknown {
  if (!isStatusError(error)) return error;
  if (error.code === status.FAILED_PRECONDITION) {
    return new RunnerError('lease_lost', 'the workspace was taken back', { cause: error });
  }
  return serviceFailure(error, 'repo_pool_unavailable', 'the repo pool', endpoint);
}
