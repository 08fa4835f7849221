import { RunnerError } from '@necrocode/contracts';
import { z } from 'zod';

const flag = z
  .enum(['0', '1', 'true', 'false', ''])
  .default('0')
  .transform((value) => value === '1' || value === 'true');

const settingsSchema = z
  .object({
    LISTEN_ADDRESS: z
      .string()
      .regex(/^.+:\d{1,5}$/, 'must be host:port')
      .default('127.0.0.1:50051'),
    DATA_DIR: z.string().min(1).default('.necrocode/task-registry'),
    NATS_URL: z.string().min(1).default('nats://127.0.0.1:4222'),
    LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
    FAULT_INJECTION: flag,
    GRPC_REFLECTION: flag,
    MAX_IN_FLIGHT_PER_REPO: z.coerce.number('must be a whole number, 0 or more').int().min(0).default(0),
  })
  .transform((env) => ({
    listenAddress: env.LISTEN_ADDRESS,
    dataDir: env.DATA_DIR,
    natsUrl: env.NATS_URL,
    logLevel: env.LOG_LEVEL,
    faultInjection: env.FAULT_INJECTION,
    grpcReflection: env.GRPC_REFLECTION,
    /** Tasks of one repository that may run at the same time; 0: any number. */
    maxInFlightPerRepo: env.MAX_IN_FLIGHT_PER_REPO,
  }));

export type Settings = Readonly<z.output<typeof settingsSchema>>;

/**
 * The settings of the process.
 *
 * @throws RunnerError that names every bad variable; values are not shown
 */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const parsed = settingsSchema.safeParse(env);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new RunnerError('internal', `bad settings: ${problems.join('; ')}`, { retryable: false });
}
