import { formatKey, formatProblems, problemsOf, type TaskKey } from '@necrocode/contracts';
import { rpcError, status } from '@necrocode/rpc';
import type { z } from 'zod';

/** The statuses with which the registry turns a call down. A refused call has changed nothing. */
export function notFound(key: TaskKey, more?: string): Error {
  const what = `no task ${formatKey(key)} is known`;
  return rpcError(status.NOT_FOUND, more === undefined ? what : `${what}; ${more}`);
}

export function badRequest(message: string): Error {
  return rpcError(status.INVALID_ARGUMENT, message);
}

export function badDocument(what: string, error: z.ZodError): Error {
  return badRequest(`${what}: ${formatProblems(problemsOf(error))}`);
}

export function notNow(message: string): Error {
  return rpcError(status.FAILED_PRECONDITION, message);
}

export function alreadyExists(message: string): Error {
  return rpcError(status.ALREADY_EXISTS, message);
}
