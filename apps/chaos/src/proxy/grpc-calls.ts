import { artifactStore, formatKey, repoPool, taskRegistry } from '@necrocode/contracts';
import { z } from 'zod';
import type { PointName } from '../fault-points.js';
import { readTaskKey } from './task-key.js';

/** What a call is about, as far as the suite cares. */
export interface SeenCall {
  readonly point: PointName;
  readonly key: string;
}

/** Which lease of the pool is whose task; the pool's calls name only the lease. */
export type LeaseKeys = Map<string, string>;

/** Reads a call's request; undefined for calls that are no fault points. */
export function seeCall(path: string, requests: readonly Buffer[], leases: LeaseKeys): SeenCall | undefined {
  const [first] = requests;
  if (!first) return undefined;
  const { ClaimTaskRequest, RenewLeaseRequest, SaveCheckpointRequest, DecideCommitRequest } = taskRegistry;
  const { AppendEventsRequest, ReportResultRequest } = taskRegistry;
  switch (path) {
    case taskRegistry.TaskRegistryServiceService.claimTask.path:
      return seen('claim', readTaskKey(ClaimTaskRequest.decode(first).taskJson));
    case taskRegistry.TaskRegistryServiceService.renewLease.path:
      return seen('renew', nameOf(RenewLeaseRequest.decode(first)));
    case taskRegistry.TaskRegistryServiceService.saveCheckpoint.path: {
      const request = SaveCheckpointRequest.decode(first);
      return seen(holdsAnswers(request) ? 'checkpoint_answer' : 'checkpoint_base', nameOf(request));
    }
    case taskRegistry.TaskRegistryServiceService.decideCommit.path:
      return seen('decide', nameOf(DecideCommitRequest.decode(first)));
    case taskRegistry.TaskRegistryServiceService.appendEvents.path:
      return seen('append_events', nameOf(AppendEventsRequest.decode(first)));
    case taskRegistry.TaskRegistryServiceService.reportResult.path:
      return seen('report', nameOf(ReportResultRequest.decode(first)));
    case repoPool.RepoPoolServiceService.allocate.path: {
      const { specName, taskId } = repoPool.AllocateRequest.decode(first);
      return seen('allocate', formatKey({ specName, taskId }));
    }
    case repoPool.RepoPoolServiceService.renew.path:
      return seen('renew_slot', leases.get(repoPool.RenewRequest.decode(first).leaseId));
    case repoPool.RepoPoolServiceService.release.path:
      return seen('release', leases.get(repoPool.ReleaseRequest.decode(first).leaseId));
    case artifactStore.ArtifactStoreServiceService.upload.path:
      return seeUpload(artifactStore.UploadRequest.decode(first));
    case artifactStore.ArtifactStoreServiceService.download.path:
      return seeDownload(artifactStore.DownloadRequest.decode(first).uri);
    default:
      return undefined;
  }
}

/** The task that a runner gives up by itself with this call, if that is what it is. */
export function givenBack(path: string, [first]: readonly Buffer[]): string | undefined {
  if (!first || path !== taskRegistry.TaskRegistryServiceService.releaseLease.path) return undefined;
  return nameOf(taskRegistry.ReleaseLeaseRequest.decode(first));
}

/** True for a claim that was granted. */
export function isGranted(responses: readonly Buffer[]): boolean {
  return (
    responses[0] !== undefined && taskRegistry.ClaimTaskResponse.decode(responses[0]).granted !== undefined
  );
}

export function leaseOf(responses: readonly Buffer[]): string | undefined {
  return responses[0] && repoPool.AllocateResponse.decode(responses[0]).leaseId;
}

function seen(point: PointName, key: string | undefined): SeenCall | undefined {
  return key === undefined ? undefined : { point, key };
}

function nameOf({ key }: { key?: taskRegistry.TaskKey | undefined }): string | undefined {
  return key && formatKey(key);
}

const checkpoint = z.looseObject({ answers: z.array(z.unknown()) });

function holdsAnswers({ checkpointJson }: taskRegistry.SaveCheckpointRequest): boolean {
  return checkpoint.parse(JSON.parse(checkpointJson)).answers.length > 0;
}

const uploadPoints: Readonly<Record<string, PointName>> = {
  llm_answer: 'upload_answer',
  commit_bundle: 'upload_bundle',
  diff: 'upload_diff',
  log: 'upload_log',
  test_result: 'upload_tests',
  transcript: 'upload_transcript',
};

function seeUpload({ header }: artifactStore.UploadRequest): SeenCall | undefined {
  const point = header && uploadPoints[header.type];
  return point && { point, key: formatKey(header) };
}

/** `artifact://<spec>/<task-id>/<run>/<type>/<name>` */
function seeDownload(uri: string): SeenCall | undefined {
  const [, specName = '', taskId = '', type] =
    /^artifact:\/\/([^/]+)\/([^/]+)\/[^/]+\/([^/]+)\//.exec(uri) ?? [];
  const key = formatKey({ specName, taskId });
  if (type === 'llm_answer') return { point: 'download_answer', key };
  return type === 'commit_bundle' ? { point: 'download_bundle', key } : undefined;
}
