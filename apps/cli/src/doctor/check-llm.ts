import type { Endpoints } from '../endpoints.js';
import { fail, ok, warn, type Check } from './check.js';

const patienceMs = 3_000;
const name = 'llm';

/** Whether the endpoint answers and takes the key. Costs nothing: only its list of models is asked for. */
export async function checkLlm({ llm, llmKey }: Pick<Endpoints, 'llm' | 'llmKey'>): Promise<Check> {
  if (!llm) {
    return warn(
      name,
      'none is configured here',
      'set OPENAI_BASE_URL or OPENAI_API_KEY, or start npm run stack',
    );
  }
  const base = llm.address.replace(/\/+$/, '');
  let response: Response;
  try {
    response = await fetch(`${base}/models`, {
      headers: llmKey ? { authorization: `Bearer ${llmKey}` } : {},
      signal: AbortSignal.timeout(patienceMs),
    });
    await response.body?.cancel();
  } catch (error) {
    return fail(
      name,
      `${withoutCredentials(base)}: ${reasonOf(error)}`,
      'check OPENAI_BASE_URL and the network',
    );
  }
  return judge(base, response.status, llmKey !== undefined);
}

/** fetch refuses an address with a password in it; it must not be shown either. */
function withoutCredentials(address: string): string {
  return address.replace(/\/\/[^@/]*@/, '//');
}

function judge(base: string, status: number, hasKey: boolean): Check {
  if (status === 401 || status === 403) {
    const detail = hasKey ? `the key was refused (${status})` : `it wants a key (${status})`;
    return fail(name, `${base}: ${detail}`, 'set OPENAI_API_KEY or OPENAI_API_KEY_FILE to a valid key');
  }
  if (status < 300) return ok(name, base);
  if (status === 429 || status >= 500) {
    return warn(name, `${base} answers ${status}`, 'wait: runners wait too, and try again');
  }
  return warn(
    name,
    `${base}/models answers ${status}`,
    'harmless if the endpoint has no such list; does the base end in /v1?',
  );
}

function reasonOf(error: unknown): string {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time';
  const { code } = ((error as Error).cause ?? {}) as { code?: string };
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'the host name is not known';
  return code ?? 'it cannot be reached';
}
