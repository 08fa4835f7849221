import { formatProblems, problemsOf } from '@necrocode/contracts';
import { z } from 'zod';

/** What every service is told by its environment. */
export interface ServiceSettings {
  /** `host:port` to listen on. */
  readonly listenAddress: string;
  /** Where the service keeps its state. */
  readonly dataDir: string;
  readonly logLevel: string;
  /** Serves the fault injection service as well; for tests. */
  readonly faultInjection: boolean;
  /** Serves gRPC reflection; for development. */
  readonly reflection: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** A variable that holds a whole number. */
export function wholeNumber(min: number, max: number, byDefault: number) {
  return z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .default(byDefault);
}

/**
 * Reads a service's environment: the variables of every service and those of its own.
 *
 * @throws Error that names every problem at once, without the values
 */
export function readServiceSettings<Own extends z.ZodRawShape>(
  defaultAddress: string,
  own: Own,
  environment: Environment,
): { readonly common: ServiceSettings; readonly own: z.output<z.ZodObject<Own>> } {
  // An empty variable is how compose files and shells say "not set".
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const common = commonVariables(defaultAddress).safeParse(given);
  const specific = z.object(own).safeParse(given);
  if (common.success && specific.success) return { common: common.data, own: specific.data };
  const problems = [common, specific].flatMap(({ error }) => (error ? problemsOf(error) : []));
  throw new Error(`bad settings: ${formatProblems(problems)}`);
}

const onOff = z
  .enum(['0', '1'], 'must be 0 or 1')
  .default('0')
  .transform((value) => value === '1');

function commonVariables(defaultAddress: string) {
  return z
    .object({
      LISTEN_ADDRESS: z
        .string()
        .regex(/^.+:\d{1,5}$/, 'must be host:port')
        .default(defaultAddress),
      DATA_DIR: z.string(),
      LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
      FAULT_INJECTION: onOff,
      GRPC_REFLECTION: onOff,
    })
    .transform((variables) => ({
      listenAddress: variables.LISTEN_ADDRESS,
      dataDir: variables.DATA_DIR,
      logLevel: variables.LOG_LEVEL,
      faultInjection: variables.FAULT_INJECTION,
      reflection: variables.GRPC_REFLECTION,
    }));
}
