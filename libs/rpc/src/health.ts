import { service as healthService } from 'grpc-health-check';
import { makeClientConstructor } from '@grpc/grpc-js';
import { call } from './call.js';
import { isStatusError } from './persist.js';
import { connectionTrouble, createClient, type GrpcEndpoint } from './channel.js';

/**
 * Asks the standard health service of an endpoint.
 *
 * @returns undefined when it serves, else one line that says why not
 */
export async function checkHealth(
  endpoint: string | GrpcEndpoint,
  deadlineMs: number,
): Promise<string | undefined> {
  const client = createClient(HealthClient, endpoint);
  try {
    const { status } = await call(client.check.bind(client), { service: '' }, { deadlineMs, retries: 0 });
    return status === 'SERVING' ? undefined : `answers ${status}`;
  } catch (error) {
    const trouble = typeof endpoint === 'string' ? undefined : connectionTrouble(error, endpoint);
    return trouble ?? (isStatusError(error) ? error.message : 'the connection broke');
  } finally {
    client.close();
  }
}

type Check = Parameters<typeof call<{ service: string }, { status: string }>>[0];
const HealthClient = makeClientConstructor(healthService, 'grpc.health.v1.Health') as unknown as new (
  ...args: ConstructorParameters<ReturnType<typeof makeClientConstructor>>
) => { check: Check; close(): void };
