import { service as healthService } from 'grpc-health-check';
import { makeClientConstructor } from '@grpc/grpc-js';
import { call } from './call.js';
import { createClient } from './channel.js';

/**
 * Asks the standard health service of `address`.
 *
 * @returns undefined when it serves, else one line that says why not
 */
export async function checkHealth(address: string, deadlineMs: number): Promise<string | undefined> {
  const client = createClient(HealthClient, address);
  try {
    const { status } = await call(client.check.bind(client), { service: '' }, { deadlineMs, retries: 0 });
    return status === 'SERVING' ? undefined : `answers ${status}`;
  } catch (error) {
    return error instanceof Error ? error.message : 'unreachable';
  } finally {
    client.close();
  }
}

type Check = Parameters<typeof call<{ service: string }, { status: string }>>[0];
const HealthClient = makeClientConstructor(healthService, 'grpc.health.v1.Health') as unknown as new (
  ...args: ConstructorParameters<ReturnType<typeof makeClientConstructor>>
) => { check: Check; close(): void };
