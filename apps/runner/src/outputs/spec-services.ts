import { faultInjection, type Task } from '@necrocode/contracts';
import { call, createClient, type GrpcEndpoint } from '@necrocode/rpc';
import { startService, type ServiceProcess } from '@necrocode/testkit';

export interface FaultyService extends ServiceProcess {
  readonly endpoint: GrpcEndpoint;
  /** Replaces the faults; none ends all. */
  setFaults(...faults: readonly Partial<faultInjection.Fault>[]): Promise<void>;
}

/** A service that can be made to fail on demand. */
export async function startFaulty(
  app: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<FaultyService> {
  const service = await startService(app, { FAULT_INJECTION: '1', ...environment });
  const setFaults = async (...faults: readonly Partial<faultInjection.Fault>[]) => {
    const client = createClient(faultInjection.FaultInjectionServiceClient, service.address);
    const request = { faults: faults.map((fault) => faultInjection.Fault.fromPartial(fault)) };
    try {
      await call(client.setFaults.bind(client), request, { deadlineMs: 5_000 });
    } finally {
      client.close();
    }
  };
  return Object.assign(service, {
    setFaults,
    endpoint: { address: service.address, tlsSetting: 'SPEC_TLS' },
  });
}

/** A valid task that no other spec uses; nothing is ever fetched from its repository. */
export function specTask(id: string): Task {
  return {
    task_id: id,
    spec_name: 'outputs',
    title: `Task ${id}`,
    description: 'Do it',
    repo_url: 'https://git.example/x.git',
  };
}
