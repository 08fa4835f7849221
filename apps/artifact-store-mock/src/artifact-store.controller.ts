import { Controller } from '@nestjs/common';
import { GrpcMethod, GrpcStreamMethod } from '@nestjs/microservices';
import type { artifactStore as wire } from '@necrocode/contracts';
import { from, Observable } from 'rxjs';
import { ArtifactStore } from './artifact-store.js';
import { pacedResponses, requestsOf, type RequestCall, type ResponseCall } from './call-streams.js';

@Controller()
export class ArtifactStoreController {
  constructor(private readonly store: ArtifactStore) {}

  @GrpcStreamMethod('ArtifactStoreService', 'upload')
  upload(
    messages: Observable<wire.UploadRequest>,
    _metadata: unknown,
    call: unknown,
  ): Observable<wire.UploadResponse> {
    return from(this.store.upload(requestsOf(messages, call as RequestCall)));
  }

  @GrpcMethod('ArtifactStoreService', 'download')
  download(
    request: wire.DownloadRequest,
    _metadata: unknown,
    call: unknown,
  ): Observable<wire.DownloadResponse> {
    return pacedResponses(() => this.store.download(request), call as ResponseCall);
  }

  @GrpcMethod('ArtifactStoreService', 'listArtifacts')
  listArtifacts(request: wire.ListArtifactsRequest): wire.ListArtifactsResponse {
    return this.store.list(request);
  }

  @GrpcMethod('ArtifactStoreService', 'deleteArtifact')
  deleteArtifact(request: wire.DeleteArtifactRequest): wire.DeleteArtifactResponse {
    return this.store.delete(request);
  }

  @GrpcMethod('ArtifactStoreService', 'getUsage')
  getUsage(): wire.GetUsageResponse {
    return this.store.usage();
  }
}

// Nest wraps handlers of request streams in a function without a name; faults are chosen by it.
Object.defineProperty(Reflect.get(ArtifactStoreController.prototype, 'upload'), 'name', { value: 'upload' });
