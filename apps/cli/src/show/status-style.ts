import type { Style } from './terminal.js';

/** The colour of a state, an outcome or a check. */
export function styleOfStatus(status: string): Style | undefined {
  switch (status) {
    case 'done':
    case 'ok':
      return 'green';
    case 'failed':
    case 'fail':
    case 'expired':
      return 'red';
    case 'running':
      return 'cyan';
    case 'blocked':
    case 'warn':
      return 'yellow';
    case 'cancelled':
    case 'released':
      return 'gray';
    default:
      return undefined;
  }
}
