import { formatProblems, problemsOf } from '@necrocode/contracts';
import { z } from 'zod';

export interface ArtifactStoreSettings {
  /** `host:port` to listen on. */
  readonly listenAddress: string;
  readonly dataDir: string;
  readonly logLevel: string;
  /** Serves the fault injection service as well; for tests. */
  readonly faultInjection: boolean;
  /** Serves gRPC reflection; for development. */
  readonly reflection: boolean;
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
  // An empty variable is how compose files and shells say "not set".
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(given);
  if (!parsed.success) throw new Error(`bad settings: ${formatProblems(problemsOf(parsed.error))}`);
  const values = parsed.data;
  return {
    listenAddress: values.LISTEN_ADDRESS,
    dataDir: values.DATA_DIR,
    logLevel: values.LOG_LEVEL,
    faultInjection: values.FAULT_INJECTION,
    reflection: values.GRPC_REFLECTION,
    maxArtifactBytes: values.MAX_ARTIFACT_BYTES,
  };
}

const onOff = z
  .enum(['0', '1'], 'must be 0 or 1')
  .default('0')
  .transform((value) => value === '1');

const schema = z.object({
  LISTEN_ADDRESS: z
    .string()
    .regex(/^.+:\d{1,5}$/, 'must be host:port')
    .default('127.0.0.1:50053'),
  DATA_DIR: z.string(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  FAULT_INJECTION: onOff,
  GRPC_REFLECTION: onOff,
  MAX_ARTIFACT_BYTES: z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(1))
    .default(1024 ** 3),
});
