import { RunnerError, type ErrorCode } from '@necrocode/contracts';
import { connectionTrouble, isStatusError, status } from '@necrocode/rpc';
import { CommandRefused } from '../command-refused.js';
import type { Endpoint, ServiceEndpoint } from '../endpoints.js';

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

/** One of the gRPC services. */
export interface ServiceParty extends Party {
  readonly endpoint: ServiceEndpoint;
}

/** What a failed gRPC call means to the user. */
export function translateStatus(error: unknown, party: ServiceParty): Error {
  if (!isStatusError(error)) return RunnerError.from(error, party.code);
  switch (error.code) {
    case status.UNAVAILABLE:
    case status.DEADLINE_EXCEEDED:
      return new Unreachable(
        party,
        connectionTrouble(error, party.endpoint) ?? 'the connection broke',
        error,
      );
    case status.UNIMPLEMENTED:
      return new Unreachable(party, 'something else listens there', error);
    case status.INVALID_ARGUMENT:
      return new CommandRefused(error.details, 2);
    default:
      return new CommandRefused(error.details || `${party.name} answers ${status[error.code] ?? error.code}`);
  }
}
