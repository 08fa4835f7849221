import type { IncomingMessage } from 'node:http';

const longestBody = 32 * 1024 * 1024;

/** The text of a request's body; undefined when it is longer than 32 MiB. */
export async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    // Read to its end all the same: stopping would close the connection before it can be answered.
    if (length <= longestBody) chunks.push(chunk);
  }
  return length > longestBody ? undefined : Buffer.concat(chunks).toString('utf8');
}
