import { readServiceSettings, wholeNumber, type ServiceSettings } from '@necrocode/rpc';

export interface ArtifactStoreSettings extends ServiceSettings {
  readonly maxArtifactBytes: number;
}

/**
 * Reads the settings, the only place of this service that knows the environment.
 *
 * @throws Error that names every problem, without the values
 */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>>,
): ArtifactStoreSettings {
  const variables = { MAX_ARTIFACT_BYTES: wholeNumber(1, Number.MAX_SAFE_INTEGER, 1024 ** 3) };
  const { common, own } = readServiceSettings('127.0.0.1:50053', variables, environment);
  return { ...common, maxArtifactBytes: own.MAX_ARTIFACT_BYTES };
}
