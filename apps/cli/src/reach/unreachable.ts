import { RunnerError, type ErrorCode } from '@necrocode/contracts';
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

/** Says in one line what does not answer, where, why, and what to do about it. */
export class Unreachable extends RunnerError {
  /** Where and why alone. */
  readonly trouble: string;

  constructor({ name, endpoint, variable, code }: Party, reason: string, cause?: unknown) {
    const trouble = `${describeEndpoint(endpoint)}: ${reason}`;
    const remedy = `Start a stack with npm run stack, or say in ${variable} where it is.`;
    super(code, `${name} does not answer at ${trouble}. ${remedy}`, { cause });
    this.trouble = trouble;
  }
}

/** The address, and who says so. NATS URLs may hold a user and a password, which are left out. */
export function describeEndpoint({ address, source }: Endpoint): string {
  const origin = source === 'default' ? 'the default address' : `from ${source}`;
  return `${address.replace(/\/\/[^@/,]*@/g, '//')} (${origin})`;
}

/** What a failed gRPC call means to the user. */
export function translateStatus(error: unknown, party: Party): Error {
  if (!isStatusError(error)) return RunnerError.from(error, party.code);
  switch (error.code) {
    case status.UNAVAILABLE:
      return new Unreachable(party, reasonOf(error.details), error);
    case status.DEADLINE_EXCEEDED:
      return new Unreachable(party, 'no answer in time', error);
    case status.UNIMPLEMENTED:
      return new Unreachable(party, 'something else listens there', error);
    case status.INVALID_ARGUMENT:
      return new CommandRefused(error.details, 2);
    default:
      return new CommandRefused(error.details || `${party.name} answers ${status[error.code] ?? error.code}`);
  }
}

/** A connection's trouble in plain words. */
export function reasonOf(details: string): string {
  if (/ECONNREFUSED/.test(details)) return 'connection refused';
  if (/ENOTFOUND|EAI_AGAIN|Name resolution failed/.test(details)) return 'the host name is not known';
  if (/ETIMEDOUT|ENETUNREACH|EHOSTUNREACH/.test(details)) return 'the host cannot be reached';
  if (/DEADLINE_EXCEEDED/.test(details)) return 'no answer in time';
  return 'the connection broke';
}
