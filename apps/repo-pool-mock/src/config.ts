import { problemsOf, formatProblems } from '@necrocode/contracts';
import { z } from 'zod';

export interface RepoPoolSettings {
  /** `host:port` to listen on. */
  readonly listenAddress: string;
  readonly dataDir: string;
  readonly logLevel: string;
  /** Serves the fault injection service as well; for tests. */
  readonly faultInjection: boolean;
  /** Serves gRPC reflection; for development. */
  readonly reflection: boolean;
  /** Most slots of one repository that are lent at the same time. */
  readonly slotsPerRepo: number;
  /** Most slots of one repository that wait ready. */
  readonly warmSlots: number;
  /** Protocols that mirrors are fetched with, such as https, ssh, file. */
  readonly protocols: readonly string[];
  /** Hosts, also as `host:port`, that may be read over plain http. */
  readonly httpHosts: readonly string[];
  readonly mirrorTimeoutSeconds: number;
}

/**
 * Reads the settings, the only place of this service that knows the environment.
 *
 * @throws Error that names every problem, without the values
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>): RepoPoolSettings {
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
    slotsPerRepo: values.SLOTS_PER_REPO,
    warmSlots: values.WARM_SLOTS,
    protocols: values.GIT_ALLOWED_PROTOCOLS,
    httpHosts: values.HTTP_HOSTS,
    mirrorTimeoutSeconds: values.MIRROR_TIMEOUT_SECONDS,
  };
}

const wholeNumber = (min: number, max: number, byDefault: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .default(byDefault);
const onOff = z
  .enum(['0', '1'], 'must be 0 or 1')
  .default('0')
  .transform((value) => value === '1');
const list = (separator: string | RegExp) =>
  z.string().transform((text) =>
    text
      .split(separator)
      .map((part) => part.trim().toLowerCase())
      .filter((part) => part !== ''),
  );

const schema = z.object({
  LISTEN_ADDRESS: z
    .string()
    .regex(/^.+:\d{1,5}$/, 'must be host:port')
    .default('127.0.0.1:50052'),
  DATA_DIR: z.string(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  FAULT_INJECTION: onOff,
  GRPC_REFLECTION: onOff,
  SLOTS_PER_REPO: wholeNumber(1, 10_000, 32),
  WARM_SLOTS: wholeNumber(0, 1_000, 2),
  GIT_ALLOWED_PROTOCOLS: list(/[:,]/).default(['https', 'ssh']),
  HTTP_HOSTS: list(',').default([]),
  MIRROR_TIMEOUT_SECONDS: wholeNumber(1, 86_400, 120),
});
