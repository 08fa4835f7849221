import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { taskRegistry as wire, type TaskKey } from '@necrocode/contracts';
import { headersFromContext } from '@necrocode/telemetry';
import type { Observable } from 'rxjs';
import { addArtifacts, appendEvents, updateStage } from './attempt-progress.js';
import { cancelAsAsked } from './cancel-task.js';
import { claimTask } from './claim-task.js';
import { claimOutcomeToWire, readKey, readRefusal, readRunnerId } from './wire.js';
import { createTask, retryTask } from './create-task.js';
import { decideCommit } from './decided-commit.js';
import { holdLease, lastHeld, mustStop, releaseLease, renewLease } from './lease.js';
import { readOrder } from './open-run.js';
import { parkTask, unparkTask } from './park-task.js';
import { listTasks, taskHistory } from './queries.js';
import { badRequest, notFound } from './refusals.js';
import { refuseTask } from './refuse-task.js';
import { Registry, type Change } from './registry.js';
import { readResult, reportResult } from './report-result.js';
import { listRunners, registerRunner } from './runners.js';
import { keyOfRun, requireRun, saveDocument, type Run } from './runs.js';
import { stateToWire } from './task-states.js';
import { UnreadableTasks } from './unreadable-tasks.js';
import { watchTask } from './watch-task.js';

/** Translates between the wire and the rules; it decides nothing. */
@Controller()
export class TaskRegistryController {
  constructor(
    private readonly registry: Registry,
    private readonly unreadable: UnreadableTasks,
  ) {}

  @GrpcMethod('TaskRegistryService', 'registerRunner')
  registerRunner(request: wire.RegisterRunnerRequest): wire.RegisterRunnerResponse {
    readRunnerId(request.runnerId);
    return this.registry.once(
      'RegisterRunner',
      request.idempotencyKey,
      wire.RegisterRunnerResponse,
      (change) => {
        registerRunner(change, request);
        return {};
      },
    );
  }

  @GrpcMethod('TaskRegistryService', 'listRunners')
  listRunners({ seenWithinSeconds }: wire.ListRunnersRequest): wire.ListRunnersResponse {
    const seenSince = seenWithinSeconds === 0 ? 0 : this.registry.now() - seenWithinSeconds * 1000;
    return { runners: listRunners(this.registry.sql, seenSince) };
  }

  @GrpcMethod('TaskRegistryService', 'createTask')
  createTask(request: wire.CreateTaskRequest): wire.CreateTaskResponse {
    const { traceparent = '' } = headersFromContext();
    const order = readOrder(request.taskJson, { place: request.place, traceparent });
    return this.registry.once('CreateTask', request.idempotencyKey, wire.CreateTaskResponse, (change) => {
      const { run, created } = createTask(change, order);
      return { key: keyOfRun(run), run: run.run, state: stateToWire(run.state), created };
    });
  }

  @GrpcMethod('TaskRegistryService', 'claimTask')
  claimTask(request: wire.ClaimTaskRequest): wire.ClaimTaskResponse {
    const { leaseSeconds, traceparent, headers, place, publishedAt } = request;
    const runnerId = readRunnerId(request.runnerId);
    const order = readOrder(request.taskJson, {
      place,
      traceparent,
      headers,
      publishedAt: publishedAt?.getTime(),
    });
    return this.registry.once('ClaimTask', request.idempotencyKey, wire.ClaimTaskResponse, (change) =>
      claimOutcomeToWire(change, claimTask(change, { order, runnerId, leaseSeconds })),
    );
  }

  @GrpcMethod('TaskRegistryService', 'renewLease')
  renewLease(request: wire.RenewLeaseRequest): wire.RenewLeaseResponse {
    return this.held('RenewLease', request, wire.RenewLeaseResponse, (change, run) => {
      const renewed = renewLease(change, run, request.leaseSeconds);
      const expiresAt = new Date(renewed.leaseExpiresAt ?? change.now);
      return { expiresAt, cancelRequested: mustStop(renewed) };
    });
  }

  @GrpcMethod('TaskRegistryService', 'releaseLease')
  releaseLease(request: wire.ReleaseLeaseRequest): wire.ReleaseLeaseResponse {
    return this.held('ReleaseLease', request, wire.ReleaseLeaseResponse, (change, run) => {
      releaseLease(change, run, request.reason, request.delaySeconds);
      return {};
    });
  }

  @GrpcMethod('TaskRegistryService', 'saveCheckpoint')
  saveCheckpoint(request: wire.SaveCheckpointRequest): wire.SaveCheckpointResponse {
    return this.held('SaveCheckpoint', request, wire.SaveCheckpointResponse, (change, run) => {
      saveDocument(change, run, 'checkpoint', request.checkpointJson);
      return {};
    });
  }

  @GrpcMethod('TaskRegistryService', 'decideCommit')
  decideCommit(request: wire.DecideCommitRequest): wire.DecideCommitResponse {
    const { commit } = request;
    if (!commit) throw badRequest('commit is required');
    return this.held('DecideCommit', request, wire.DecideCommitResponse, (change, run) => ({
      decided: decideCommit(change, run, commit),
    }));
  }

  @GrpcMethod('TaskRegistryService', 'updateStatus')
  updateStatus(request: wire.UpdateStatusRequest): wire.UpdateStatusResponse {
    return this.held('UpdateStatus', request, wire.UpdateStatusResponse, (change, run) => ({
      cancelRequested: mustStop(updateStage(change, run, request.stage)),
    }));
  }

  @GrpcMethod('TaskRegistryService', 'appendEvents')
  appendEvents(request: wire.AppendEventsRequest): wire.AppendEventsResponse {
    return this.held('AppendEvents', request, wire.AppendEventsResponse, (change, run) => {
      appendEvents(change, run, request.events);
      return {};
    });
  }

  @GrpcMethod('TaskRegistryService', 'addArtifacts')
  addArtifacts(request: wire.AddArtifactsRequest): wire.AddArtifactsResponse {
    const key = readKey(request.key);
    return this.registry.once('AddArtifacts', request.idempotencyKey, wire.AddArtifactsResponse, (change) => {
      addArtifacts(change, lastHeld(change.sql, key, request.fencingToken), request.artifacts);
      return {};
    });
  }

  @GrpcMethod('TaskRegistryService', 'reportResult')
  reportResult(request: wire.ReportResultRequest): wire.ReportResultResponse {
    const key = readKey(request.key);
    const result = readResult(request.resultJson);
    return this.registry.once('ReportResult', request.idempotencyKey, wire.ReportResultResponse, (change) => {
      const { state, accepted } = reportResult(change, key, request.fencingToken, result);
      return { state: stateToWire(state), accepted };
    });
  }

  @GrpcMethod('TaskRegistryService', 'refuseTask')
  refuseTask(request: wire.RefuseTaskRequest): wire.RefuseTaskResponse {
    const refusal = readRefusal(request);
    if (!request.key) {
      this.unreadable.note(refusal);
      return { resultCreated: false };
    }
    const key = readKey(request.key);
    return this.registry.once('RefuseTask', request.idempotencyKey, wire.RefuseTaskResponse, (change) => ({
      resultCreated: refuseTask(change, key, refusal),
    }));
  }

  @GrpcMethod('TaskRegistryService', 'parkTask')
  parkTask(request: wire.ParkTaskRequest): wire.ParkTaskResponse {
    const key = readKey(request.key);
    return this.registry.once('ParkTask', request.idempotencyKey, wire.ParkTaskResponse, (change) => {
      parkTask(change, key, request.fencingToken, request.reason);
      return {};
    });
  }

  @GrpcMethod('TaskRegistryService', 'unparkTask')
  unparkTask(request: wire.UnparkTaskRequest): wire.UnparkTaskResponse {
    return this.known('UnparkTask', request, wire.UnparkTaskResponse, (change, run) => ({
      state: stateToWire(unparkTask(change, run).state),
    }));
  }

  @GrpcMethod('TaskRegistryService', 'cancelTask')
  cancelTask(request: wire.CancelTaskRequest): wire.CancelTaskResponse {
    const key = readKey(request.key);
    const { reason, idempotencyKey } = request;
    const answer = this.registry.once('CancelTask', idempotencyKey, wire.CancelTaskResponse, (change) => {
      const run = cancelAsAsked(change, { key, reason, askedAt: undefined });
      return { state: run ? stateToWire(run.state) : wire.TaskState.TASK_STATE_UNSPECIFIED };
    });
    if (answer.state !== wire.TaskState.TASK_STATE_UNSPECIFIED) return answer;
    throw notFound(key, 'if it has been published before now, it is cancelled as soon as it is heard of');
  }

  @GrpcMethod('TaskRegistryService', 'retryTask')
  retryTask(request: wire.RetryTaskRequest): wire.RetryTaskResponse {
    return this.known('RetryTask', request, wire.RetryTaskResponse, (change, run) => ({
      run: retryTask(change, run).run,
    }));
  }

  @GrpcMethod('TaskRegistryService', 'getTask')
  getTask(request: wire.GetTaskRequest): wire.GetTaskResponse {
    return taskHistory(this.registry.sql, requireRun(this.registry.sql, readKey(request.key)));
  }

  @GrpcMethod('TaskRegistryService', 'listTasks')
  listTasks(request: wire.ListTasksRequest): wire.ListTasksResponse {
    return listTasks(this.registry.sql, request);
  }

  @GrpcMethod('TaskRegistryService', 'watchTask')
  watchTask(request: wire.WatchTaskRequest): Observable<wire.WatchTaskResponse> {
    return watchTask(this.registry, readKey(request.key), request.afterSequence);
  }

  /** A call on a known task. */
  private known<T>(
    method: string,
    request: { readonly idempotencyKey: string; readonly key: TaskKey | undefined },
    codec: Parameters<typeof Registry.prototype.once<T>>[2],
    work: (change: Change, run: Run) => T,
  ): T {
    const key = readKey(request.key);
    return this.registry.once(method, request.idempotencyKey, codec, (change) =>
      work(change, requireRun(change.sql, key)),
    );
  }

  /** A call by the holder of a lease. */
  private held<T>(
    method: string,
    request: {
      readonly idempotencyKey: string;
      readonly key: TaskKey | undefined;
      readonly fencingToken: bigint;
    },
    codec: Parameters<typeof Registry.prototype.once<T>>[2],
    work: (change: Change, run: Run) => T,
  ): T {
    const key = readKey(request.key);
    return this.registry.once(method, request.idempotencyKey, codec, (change) =>
      work(change, holdLease(change.sql, key, request.fencingToken)),
    );
  }
}
