import { formatProblems, problemsOf, readServerTls, type ServerTls } from '@necrocode/contracts';
import { z } from 'zod';

/** What every service is told by its environment. */
export interface ServiceSettings {
  /** `host:port` to listen on. */
  readonly listenAddress: string;
  /** Undefined: without TLS. */
  readonly tls?: ServerTls | undefined;
  /** Where the service keeps its state. */
  readonly dataDir: string;
  readonly logLevel: string;
  /** `host:port` on which `/metrics` is served over HTTP; undefined: nowhere. */
  readonly metricsAddress: string | undefined;
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
 * @param otherProblems found by whoever reads what is not a single variable; told together with the others
 *
 * @throws Error that names every problem at once, without the values
 */
export function readServiceSettings<Own extends z.ZodRawShape>(
  defaultAddress: string,
  own: Own,
  environment: Environment,
  otherProblems: readonly string[] = [],
): { readonly common: ServiceSettings; readonly own: z.output<z.ZodObject<Own>> } {
  // An empty variable is how compose files and shells say "not set".
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const common = commonVariables(defaultAddress).safeParse(given);
  const specific = z.object(own).safeParse(given);
  if (common.success && specific.success && otherProblems.length === 0)
    return { common: common.data, own: specific.data };
  const problems = [common, specific].flatMap(({ error }) => (error ? problemsOf(error) : []));
  const told = [...(problems.length > 0 ? [formatProblems(problems)] : []), ...otherProblems];
  throw new Error(`bad settings: ${told.join('; ')}`);
}

const onOff = z
  .enum(['0', '1'], 'must be 0 or 1')
  .default('0')
  .transform((value) => value === '1');

const hostAndPort = z.string().regex(/^.+:\d{1,5}$/, 'must be host:port');

function commonVariables(defaultAddress: string) {
  return z
    .object({
      LISTEN_ADDRESS: hostAndPort.default(defaultAddress),
      METRICS_ADDRESS: hostAndPort.optional(),
      DATA_DIR: z.string(),
      LISTEN_TLS_CA: z.string().optional(),
      LISTEN_TLS_CERT: z.string().optional(),
      LISTEN_TLS_KEY: z.string().optional(),
      LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
      FAULT_INJECTION: onOff,
      GRPC_REFLECTION: onOff,
    })
    .transform((variables, context) => ({
      listenAddress: variables.LISTEN_ADDRESS,
      tls: readTls(variables, context),
      dataDir: variables.DATA_DIR,
      logLevel: variables.LOG_LEVEL,
      metricsAddress: variables.METRICS_ADDRESS,
      faultInjection: variables.FAULT_INJECTION,
      reflection: variables.GRPC_REFLECTION,
    }));
}

interface TlsVariables {
  readonly LISTEN_TLS_CA?: string | undefined;
  readonly LISTEN_TLS_CERT?: string | undefined;
  readonly LISTEN_TLS_KEY?: string | undefined;
}

function readTls(variables: TlsVariables, context: z.RefinementCtx): ServerTls | undefined {
  const { LISTEN_TLS_CA: ca, LISTEN_TLS_CERT: cert, LISTEN_TLS_KEY: key } = variables;
  const read = readServerTls({ ca, cert, key });
  if (read.kind === 'read') return read.tls;
  for (const { file, message } of read.problems)
    context.addIssue({ code: 'custom', path: [`LISTEN_TLS_${file.toUpperCase()}`], message });
  return undefined;
}
