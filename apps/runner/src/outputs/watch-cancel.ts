import type { taskRegistry } from '@necrocode/contracts';
import { isStatusError, status } from '@necrocode/rpc';
import type { Lease } from '../pipeline/ports.js';

type Client = InstanceType<typeof taskRegistry.TaskRegistryServiceClient>;

/** Before a stream that broke is opened again; up to twice that, so that runners do not come together. */
const reopenMs = 1_000;

/**
 * Listens at the registry for a cancellation of the lease's run, from its beginning on. NATS tells of it as
 * well, but may be away, and keeps nothing for who was not there.
 *
 * @returns ends it
 */
export function watchCancel(client: Client, { key, run }: Lease, told: () => void): () => void {
  let stream: ReturnType<Client['watchTask']> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let afterSequence = 0n;
  let stopped = false;
  const open = () => {
    stream = client.watchTask({ key, afterSequence });
    stream.on('data', ({ event }: taskRegistry.WatchTaskResponse) => {
      if (!event) return;
      afterSequence = event.sequence;
      if (event.run === run && event.type === 'CancelRequested') told();
    });
    // It ends without an error when the run does.
    stream.on('error', (error: Error) => {
      if (stopped || (isStatusError(error) && error.code === status.UNIMPLEMENTED)) return;
      timer = setTimeout(open, reopenMs * (1 + Math.random()));
    });
  };
  open();
  return () => {
    stopped = true;
    clearTimeout(timer);
    stream?.cancel();
  };
}
