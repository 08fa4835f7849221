import type { ErrorCode } from '@necrocode/contracts';
import { RunnerError } from '@necrocode/contracts';
import { isStatusError, status } from '@necrocode/rpc';
import { CommandRefused } from '../command-refused.js';
import type { Endpoint } from '../endpoints.js';

/** Something that a command needs, as it is spoken of. */
export interface Party {
  readonly name: string;
  readonly endpoint: Endpoint;
  readonly variable: string;
  readonly code: ErrorCode;
}

/** One line: what does not answer, where, why, and what to do about it. */
export function unreachable(
  { name, endpoint, variable, code }: Party,
  reason: string,
  cause?: unknown,
): RunnerError {
  const origin = endpoint.source === 'default' ? 'the default address' : `from ${endpoint.source}`;
  const message =
    `${name} does not answer at ${withoutCredentials(endpoint.address)} (${origin}): ${reason}. ` +
    `Start a stack with npm run stack, or say in ${variable} where it is.`;
  return new RunnerError(code, message, { cause });
}

/** What a failed gRPC call means to the user. */
export function translateStatus(error: unknown, party: Party): Error {
  if (!isStatusError(error)) return RunnerError.from(error, party.code);
  switch (error.code) {
    case status.UNAVAILABLE:
      return unreachable(party, reasonOf(error.details), error);
    case status.DEADLINE_EXCEEDED:
      return unreachable(party, 'no answer in time', error);
    case status.UNIMPLEMENTED:
      return unreachable(party, 'something else listens there', error);
    case status.INVALID_ARGUMENT:
      return new CommandRefused(error.details, 2);
    default:
      return new CommandRefused(error.details || `${party.name} answers ${status[error.code] ?? error.code}`);
  }
}

/** NATS URLs may hold a user and a password. */
function withoutCredentials(address: string): string {
  return address.replace(/\/\/[^@/,]*@/g, '//');
}

function reasonOf(details: string): string {
  if (/ECONNREFUSED/.test(details)) return 'connection refused';
  if (/ENOTFOUND|EAI_AGAIN|Name resolution failed/.test(details)) return 'the host name is not known';
  if (/ETIMEDOUT|ENETUNREACH|EHOSTUNREACH/.test(details)) return 'the host cannot be reached';
  return 'the connection broke';
}
