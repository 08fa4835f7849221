import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the ports that systems give to outgoing connections, one of which could take it in the meantime. */
const first = 15_000;
const last = 32_000;
const tries = 100;

/** A port of 127.0.0.1 that nothing listens on. Whoever starts a server on it should do so soon. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < tries; tried += 1) {
    const port = randomInt(first, last);
    if (await canListen(port)) return port;
  }
  throw new Error(`no free port between ${first} and ${last}`);
}

async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
