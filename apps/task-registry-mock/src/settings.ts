import { readServiceSettings, wholeNumber, type ServiceSettings } from '@necrocode/rpc';
import { z } from 'zod';

export interface Settings extends ServiceSettings {
  readonly natsUrl: string;
  /** Tasks of one repository that may run at the same time; 0: any number. */
  readonly maxInFlightPerRepo: number;
}

/**
 * Reads the settings, the only place of this service that knows the environment.
 *
 * @throws Error that names every problem, without the values
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  const { common, own } = readServiceSettings('127.0.0.1:50051', variables, environment);
  return { ...common, natsUrl: own.NATS_URL, maxInFlightPerRepo: own.MAX_IN_FLIGHT_PER_REPO };
}

const variables = {
  NATS_URL: z.string().default('nats://127.0.0.1:4222'),
  MAX_IN_FLIGHT_PER_REPO: wholeNumber(0, 1_000_000, 0),
};
