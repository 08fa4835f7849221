import { readServiceSettings, wholeNumber, type ServiceSettings } from '@necrocode/rpc';
import { z } from 'zod';

export interface RepoPoolSettings extends ServiceSettings {
  /** Most slots of one repository that are lent at the same time. */
  readonly slotsPerRepo: number;
  /** Most slots of one repository that wait ready. */
  readonly warmSlots: number;
  /** Protocols that mirrors are fetched with, such as https, ssh, file. */
  readonly protocols: readonly string[];
  /** Hosts, also as `host:port`, that may be read over plain http. */
  readonly httpHosts: readonly string[];
  /** Hosts that may be read at all. */
  readonly hosts: readonly string[];
  readonly mirrorTimeoutSeconds: number;
}

/**
 * Reads the settings, the only place of this service that knows the environment.
 *
 * @throws Error that names every problem, without the values
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): RepoPoolSettings {
  const { common, own } = readServiceSettings('127.0.0.1:50052', variables, environment);
  return {
    ...common,
    slotsPerRepo: own.SLOTS_PER_REPO,
    warmSlots: own.WARM_SLOTS,
    protocols: own.GIT_ALLOWED_PROTOCOLS,
    httpHosts: own.HTTP_HOSTS,
    hosts: own.GIT_HOSTS,
    mirrorTimeoutSeconds: own.MIRROR_TIMEOUT_SECONDS,
  };
}

const list = (separator: string | RegExp) =>
  z.string().transform((text) =>
    text
      .split(separator)
      .map((part) => part.trim().toLowerCase())
      .filter((part) => part !== ''),
  );

const variables = {
  SLOTS_PER_REPO: wholeNumber(1, 10_000, 32),
  WARM_SLOTS: wholeNumber(0, 1_000, 2),
  GIT_ALLOWED_PROTOCOLS: list(/[:,]/).default(['https', 'ssh']),
  HTTP_HOSTS: list(',').default([]),
  GIT_HOSTS: list(',').default(['*']),
  MIRROR_TIMEOUT_SECONDS: wholeNumber(1, 86_400, 120),
};
