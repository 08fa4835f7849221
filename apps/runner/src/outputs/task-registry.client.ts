import { randomUUID } from 'node:crypto';
import {
  keyOf,
  mostTaskBytes,
  RunnerError,
  taskRegistry,
  type Task,
  type TerminalStatus,
} from '@necrocode/contracts';
import { call, createClient, isStatusError, status, type GrpcEndpoint } from '@necrocode/rpc';
import { headersFromContext, type Mask } from '@necrocode/telemetry';
import { readCheckpoint } from '../pipeline/checkpoint.js';
import type { Claim, ClaimedMessage, Lease, TaskRegistry } from '../pipeline/ports.js';
import { judgeRefusal, renewalCall } from './renewal.js';
import { serviceFailure } from './service-failure.js';
import { watchCancel } from './watch-cancel.js';

const deadlineMs = 5_000;
/** The registry may be away for a minute, which must not cost an attempt that has come far. */
const patient = { deadlineMs, patienceMs: 90_000 };
/** A runner that has to end: when nobody hears it, its lease expires. */
const hurried = { deadlineMs: 3_000, patienceMs: 10_000 };

export interface RunnerIdentity {
  readonly runnerId: string;
  readonly hostname: string;
  readonly queues: readonly string[];
  readonly maxParallel: number;
  readonly version: string;
  readonly sandbox: string;
}

export interface TaskRegistryClient extends TaskRegistry {
  /** Announces the runner; repeated, it keeps it listed. */
  register(identity: RunnerIdentity): Promise<void>;
  close(): void;
}

/**
 * The Task Registry over gRPC. Each changing call gets one idempotency key for all of its retries.
 *
 * @param mask what is told of a task (events, results, reasons) passes it, since messages quote remotes and models
 */
export function createTaskRegistryClient(
  endpoint: GrpcEndpoint,
  runnerId: string,
  leaseSeconds: number,
  mask: Mask,
): TaskRegistryClient {
  const client = createClient(taskRegistry.TaskRegistryServiceClient, endpoint);
  const translate = <T>(reply: Promise<T>) => translated(reply, endpoint);
  const onBehalf = (lease: Lease) => ({
    idempotencyKey: randomUUID(),
    key: lease.key,
    fencingToken: lease.fencingToken,
  });
  return {
    async register(identity) {
      const request = { idempotencyKey: '', ...identity, queues: [...identity.queues] };
      await translate(call(client.registerRunner.bind(client), request, { deadlineMs, retries: 0 }));
    },

    async claim(task, message, signal) {
      const request = claimRequest(message, runnerId, leaseSeconds);
      const reply = await translate(call(client.claimTask.bind(client), request, { ...patient, signal }));
      return readClaim(reply, task);
    },

    renewal(lease) {
      const { renewLease } = taskRegistry.TaskRegistryServiceService;
      const request = { ...onBehalf(lease), idempotencyKey: '', leaseSeconds };
      return {
        call: renewalCall(endpoint, renewLease, request),
        judge: (answer) => {
          if (answer.kind === 'status') return judgeRefusal(answer.code);
          const { cancelRequested } = renewLease.responseDeserialize(Buffer.from(answer.response));
          return cancelRequested ? 'cancel_requested' : 'kept';
        },
      };
    },

    watchCancel: (lease, told) => watchCancel(client, lease, told),

    async giveBack(lease, reason) {
      const request = { ...onBehalf(lease), reason: mask(reason), delaySeconds: 0 };
      const options = reason.startsWith('shutting_down') ? hurried : patient;
      await translate(call(client.releaseLease.bind(client), request, options));
    },

    async saveCheckpoint(lease, checkpoint) {
      const request = { ...onBehalf(lease), checkpointJson: JSON.stringify(checkpoint) };
      await translate(call(client.saveCheckpoint.bind(client), request, patient));
    },

    async decide(lease, commit) {
      const request = { ...onBehalf(lease), commit: { ...commit, filesChanged: [...commit.filesChanged] } };
      const { decided } = await translate(call(client.decideCommit.bind(client), request, patient));
      if (!decided) throw new RunnerError('registry_unavailable', 'the registry answered without a decision');
      return { ...decided, byEarlierAttempt: decided.commit !== commit.commit };
    },

    async addEvents(lease, events) {
      const request = {
        ...onBehalf(lease),
        events: events.map(({ type, time, data }) =>
          taskRegistry.TaskEvent.fromPartial({ type, time, dataJson: JSON.stringify(mask.within(data)) }),
        ),
      };
      await translate(call(client.appendEvents.bind(client), request, patient));
    },

    async report(lease, result) {
      const request = { ...onBehalf(lease), resultJson: JSON.stringify(mask.within(result)) };
      // What the registry does not take now is spooled, and told when it is back.
      const reply = await translate(call(client.reportResult.bind(client), request, { deadlineMs }));
      const { state, accepted } = reply;
      return { state: stateName(state) as TerminalStatus, accepted };
    },

    async addArtifacts(lease, artifacts) {
      const refs = artifacts.map(({ type, uri, size_bytes, sha256 }) => {
        return { type, uri, sizeBytes: BigInt(size_bytes), sha256 };
      });
      const request = { ...onBehalf(lease), artifacts: refs };
      await translate(call(client.addArtifacts.bind(client), request, { deadlineMs }));
    },

    async refuse({ key, code, message, original }) {
      const request = {
        idempotencyKey: randomUUID(),
        runnerId,
        key,
        code,
        message: mask(message),
        original: Buffer.from(original.subarray(0, mostTaskBytes)),
        traceId: '',
      };
      await translate(call(client.refuseTask.bind(client), request, patient));
    },

    close: () => client.close(),
  };
}

function claimRequest(
  { body, place, headers, publishedAt }: ClaimedMessage,
  runnerId: string,
  leaseSeconds: number,
): taskRegistry.ClaimTaskRequest {
  return {
    idempotencyKey: randomUUID(),
    runnerId,
    taskJson: Buffer.from(body).toString(),
    place,
    leaseSeconds,
    headers: { ...headers },
    publishedAt,
    traceparent: headersFromContext()['traceparent'] ?? '',
  };
}

function readClaim(reply: taskRegistry.ClaimTaskResponse, task: Task): Claim {
  const { granted, alreadyHandled, parked, conflict } = reply;
  if (granted?.lease) {
    const { lease, run, attempt, checkpointJson, decided, earlierCommits } = granted;
    const { earlierAttempts, lastLook } = granted;
    return {
      kind: 'granted',
      lease: { key: keyOf(task), fencingToken: lease.fencingToken, run, attempt },
      checkpoint: readCheckpoint(checkpointJson),
      decided: decided && { ...decided, byEarlierAttempt: true },
      earlierCommits,
      earlierAttempts,
      lastLook: lastLook && {
        code: lastLook.code === 'cancelled' ? 'cancelled' : 'attempts_exhausted',
        message: lastLook.message,
      },
    };
  }
  if (alreadyHandled) return { kind: 'already_handled', state: stateName(alreadyHandled.state) };
  if (parked) return { kind: 'parked', reason: parked.reason };
  if (conflict) return { kind: 'conflict', ...conflict };
  throw new RunnerError('registry_unavailable', 'the registry answered a claim with nothing');
}

function stateName(state: taskRegistry.TaskState): string {
  return taskRegistry.TaskState[state]?.replace('TASK_STATE_', '').toLowerCase() ?? 'unknown';
}

async function translated<T>(reply: Promise<T>, endpoint: GrpcEndpoint): Promise<T> {
  try {
    return await reply;
  } catch (error) {
    if (!isStatusError(error)) throw error;
    switch (error.code) {
      case status.FAILED_PRECONDITION:
        throw new RunnerError('lease_lost', 'the task belongs to another runner now', { cause: error });
      case status.INVALID_ARGUMENT:
        throw new RunnerError('internal', 'the registry did not understand the runner', { cause: error });
      default:
        throw serviceFailure(error, 'registry_unavailable', 'the task registry', endpoint);
    }
  }
}
