/** 1: it could not be done; 2: it was not asked for properly. */
export type FailureCode = 1 | 2;

/** A command that ends without having done its work, for a reason that the user can do something about. */
export class CommandRefused extends Error {
  constructor(
    message: string,
    readonly exitCode: FailureCode = 1,
  ) {
    super(message);
    this.name = 'CommandRefused';
  }
}
