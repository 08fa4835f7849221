import { z } from 'zod';

const configSchema = z
  .object({
    LISTEN_ADDRESS: z
      .string()
      .regex(/^[^\s:]+:\d{1,5}$/, 'must be host:port')
      .default('127.0.0.1:8080'),
    LLM_SCRIPT: z.string().min(1).optional(),
    LLM_LATENCY_MS: z.coerce.number().int().min(0).default(0),
    LLM_API_KEY: z.string().optional(),
    LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  })
  .transform((env) => {
    const [host = '', port] = env.LISTEN_ADDRESS.split(':');
    return {
      host,
      port: Number(port),
      scriptFile: env.LLM_SCRIPT,
      latencyMs: env.LLM_LATENCY_MS,
      apiKey: env.LLM_API_KEY || undefined,
      logLevel: env.LOG_LEVEL,
    };
  });

export type Config = Readonly<z.infer<typeof configSchema>>;

/** Settings from the environment, or every problem with them. */
export function readConfig(env: NodeJS.ProcessEnv): { config: Config } | { problems: string[] } {
  const result = configSchema.safeParse(env);
  if (result.success) return { config: result.data };
  return { problems: result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) };
}
