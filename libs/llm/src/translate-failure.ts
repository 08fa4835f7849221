import { RunnerError } from '@necrocode/contracts';
import { BodyTooLarge } from './capped-fetch.js';
import type { Mask } from '@necrocode/telemetry';
import { APIConnectionTimeoutError, APIError } from 'openai';
import { askedWaitMs } from './retry-wait.js';

/** A call that brought no answer, and whether the same call may be sent again. */
export interface CallFailure {
  readonly error: RunnerError;
  readonly retry: 'never' | 'repeatedly' | 'after_timeout';
  /** The request may have reached the model, which may have worked on it, and be paid for that. */
  readonly maybePaid?: boolean;
  /** What the server asked to wait. */
  readonly askedWaitMs?: number;
  /** What the server disliked about the request itself. */
  readonly complaint?: string;
}

/** The reason of an llm_bad_request that another model may not have. */
export type UnfitModel = 'model_not_found' | 'context_length_exceeded';

const longestServerMessage = 300;

/**
 * Translates what the SDK threw.
 *
 * @param mask hides the key, which some endpoints repeat in their messages
 */
export function translateFailure(error: unknown, mask: Mask): CallFailure {
  if (error instanceof APIConnectionTimeoutError) return timedOut(error);
  if (isStatusError(error)) return byStatus(error, error.status, mask);
  if (error instanceof BodyTooLarge) {
    return never(
      new RunnerError('llm_bad_response', `the LLM endpoint answered too much: ${error.message}`, {
        cause: error,
      }),
    );
  }
  if (error instanceof SyntaxError) {
    const message = 'the LLM endpoint answered with broken JSON';
    return { ...never(new RunnerError('llm_bad_response', message, { cause: error })), maybePaid: true };
  }
  const message = 'the LLM endpoint cannot be reached, or broke the connection';
  return {
    error: new RunnerError('llm_unavailable', message, { cause: error }),
    retry: 'repeatedly',
    maybePaid: !neverSent(error),
  };
}

/** A request may be swallowed on its way, but the model may be paid for it already: repeated seldom. */
export function timedOut(cause: unknown): CallFailure {
  return {
    error: new RunnerError('llm_timeout', 'the LLM did not answer in time', { cause }),
    retry: 'after_timeout',
    maybePaid: true,
  };
}

const unconnected = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/** Whether no connection was made at all: the reason stands somewhere along the causes. */
function neverSent(error: unknown): boolean {
  for (let at = error; typeof at === 'object' && at !== null; at = (at as { cause?: unknown }).cause) {
    const { code } = at as { code?: unknown };
    if (typeof code === 'string' && unconnected.has(code)) return true;
  }
  return false;
}

/** For what a repetition would not mend. */
export function never(error: RunnerError): CallFailure {
  return { error, retry: 'never' };
}

function isStatusError(error: unknown): error is APIError & { readonly status: number } {
  return error instanceof APIError && typeof error.status === 'number';
}

function byStatus(cause: APIError, status: number, mask: Mask): CallFailure {
  // Endpoints repeat parts of the key in these answers, so nothing of them is shown.
  if (status === 401 || status === 403) {
    return never(
      new RunnerError('llm_auth_failed', `the LLM endpoint refused the key (${status})`, { cause }),
    );
  }
  const said = serverMessage(cause, mask);
  if (status === 429 && isOutOfQuota(cause)) {
    const message = `the quota of the LLM account is used up (429): ${said}`;
    return never(new RunnerError('llm_rate_limited', message, { cause, retryable: false }));
  }
  const message = `the LLM endpoint answered ${status}: ${said}`;
  const again = (error: RunnerError): CallFailure => ({
    error,
    retry: 'repeatedly',
    askedWaitMs: cause.headers && askedWaitMs(cause.headers, Date.now()),
  });
  if (status === 429) return again(new RunnerError('llm_rate_limited', message, { cause }));
  if (status === 408) return again(new RunnerError('llm_timeout', message, { cause }));
  if (status === 409 || status >= 500) return again(new RunnerError('llm_unavailable', message, { cause }));
  return {
    ...never(new RunnerError('llm_bad_request', message, { cause, reason: unfitOf(cause, status) })),
    complaint: complaintOf(cause, status),
  };
}

const missingModel = new Set([
  'model_not_found',
  'model_decommissioned',
  'invalid_model',
  'DeploymentNotFound',
]);
const tooLong = new Set(['context_length_exceeded', 'exceed_context_size_error', 'string_above_max_length']);
/** For endpoints that give no code; each says it in its own words. */
const tooLongWords =
  /context[ _](?:length|window|size)|maximum context|(?:prompt|input|context) (?:is )?too long|too many (?:input )?tokens|token count[^.]{0,60}exceed/i;

/** What about the model itself does not fit the request, so that another model may do. */
function unfitOf(error: APIError, status: number): UnfitModel | undefined {
  const named = [error.code, error.type].filter((name) => typeof name === 'string');
  if (status === 404 || status === 410 || error.param === 'model') return 'model_not_found';
  if (named.some((name) => missingModel.has(name))) return 'model_not_found';
  const long = status === 413 || named.some((name) => tooLong.has(name)) || tooLongWords.test(error.message);
  return long ? 'context_length_exceeded' : undefined;
}

function isOutOfQuota(error: APIError): boolean {
  return error.code === 'insufficient_quota' || error.type === 'insufficient_quota';
}

function serverMessage(error: APIError, mask: Mask): string {
  const text = error.message.replace(/^\d{3} /, '').replace(/\s+/g, ' ');
  const masked = mask(text);
  return masked.length > longestServerMessage ? `${masked.slice(0, longestServerMessage)}…` : masked;
}

function complaintOf(error: APIError, status: number): string | undefined {
  return status === 400 || status === 422 ? `${error.message} ${error.param ?? ''}` : undefined;
}
