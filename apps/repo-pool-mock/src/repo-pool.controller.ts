import { Controller } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import type { repoPool as wire } from '@necrocode/contracts';
import { RepoPool } from './repo-pool.js';

@Controller()
export class RepoPoolController {
  constructor(private readonly pool: RepoPool) {}

  @GrpcMethod('RepoPoolService', 'allocate')
  allocate(request: wire.AllocateRequest): Promise<wire.AllocateResponse> {
    return this.pool.allocate(request);
  }

  @GrpcMethod('RepoPoolService', 'renew')
  renew(request: wire.RenewRequest): wire.RenewResponse {
    return this.pool.renew(request);
  }

  @GrpcMethod('RepoPoolService', 'release')
  release(request: wire.ReleaseRequest): wire.ReleaseResponse {
    return this.pool.release(request);
  }

  @GrpcMethod('RepoPoolService', 'listSlots')
  listSlots(request: wire.ListSlotsRequest): wire.ListSlotsResponse {
    return this.pool.listSlots(request);
  }
}
