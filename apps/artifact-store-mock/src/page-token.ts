import { rpcError, status } from '@necrocode/rpc';

/** A place in the list, opaque to callers. */
export function writePageToken(lastId: number): string {
  return Buffer.from(`after:${lastId}`).toString('base64url');
}

/**
 * The id after which the page begins; 0 without a token.
 *
 * @throws RpcException INVALID_ARGUMENT
 */
export function readPageToken(token: string): number {
  if (token === '') return 0;
  const id = /^after:(\d{1,15})$/.exec(Buffer.from(token, 'base64url').toString())?.[1];
  if (id === undefined)
    throw rpcError(status.INVALID_ARGUMENT, 'pageToken: was not given out by this service');
  return Number(id);
}
