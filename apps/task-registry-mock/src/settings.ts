import { readNatsAccess, type NatsAccess } from '@necrocode/contracts';
import { readServiceSettings, wholeNumber, type ServiceSettings } from '@necrocode/rpc';
import type { RegistryLimits } from './registry.js';

export interface Settings extends ServiceSettings, RegistryLimits {
  readonly nats: NatsAccess;
}

/**
 * Reads the settings, the only place of this service that knows the environment.
 *
 * @throws Error that names every problem, without the values
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const { access, problems } = readNatsAccess(
    environment['NATS_URL'] || 'nats://127.0.0.1:4222',
    environment,
  );
  const { common, own } = readServiceSettings('127.0.0.1:50051', variables, environment, problems);
  return {
    ...common,
    nats: access,
    maxInFlightPerRepo: own.MAX_IN_FLIGHT_PER_REPO,
    fairSharePerRepo: own.FAIR_SHARE_PER_REPO,
    maxAttempts: own.MAX_ATTEMPTS,
    maxLostAttempts: own.MAX_LOST_ATTEMPTS,
  };
}

const variables = {
  MAX_IN_FLIGHT_PER_REPO: wholeNumber(0, 1_000_000, 0),
  FAIR_SHARE_PER_REPO: wholeNumber(0, 1_000_000, 4),
  MAX_ATTEMPTS: wholeNumber(1, 1_000, 5),
  MAX_LOST_ATTEMPTS: wholeNumber(1, 1_000, 10),
};
