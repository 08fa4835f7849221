import { createHash } from 'node:crypto';
import { headers as names, streams, subjects } from '@necrocode/contracts';
import { startNats, type NatsServer } from '@necrocode/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectNats } from './connect.js';
import { publishDeadLetter } from './publish.js';
import { ensureStreams } from './streams.js';

let nats: NatsServer;
let connection: NatsConnection;

beforeAll(async () => {
  nats = await startNats();
  connection = await connectNats({ url: nats.url, name: 'spec' });
  await ensureStreams(connection);
});

afterAll(async () => {
  await connection.close();
  await nats.stop();
});

const letter = {
  queue: 'default',
  subject: 'necrocode.tasks.default.normal',
  code: 'invalid_task',
  reason: 'not JSON',
  attempts: 1,
};

async function buried(original: Uint8Array, id: string) {
  await publishDeadLetter(connection, { ...letter, original, id, headers: { 'My-Header': 'kept' } });
  const manager = await jetstreamManager(connection);
  const message = await manager.streams.getMessage(streams.dead.name, {
    last_by_subj: subjects.dead('default'),
  });
  if (!message) throw new Error('no dead letter is there');
  return message;
}

describe('dead letters', () => {
  it('[AR-8.3] hold the message as it came', async () => {
    const message = await buried(Buffer.from([0, 255, 10, 13]), '1');
    expect(Buffer.from(message.data)).toEqual(Buffer.from([0, 255, 10, 13]));
    expect(message.header.get(names.deadCode)).toBe('invalid_task');
    expect(message.header.get('My-Header')).toBe('kept');
    expect(message.header.has(names.deadOriginalBytes)).toBe(false);
  });

  it.each([1_048_576, 1_048_476])(
    '[AR-8.3] are written also for a message that leaves no room: %i bytes',
    async (size) => {
      const original = Buffer.alloc(size, 'x');
      const message = await buried(original, String(size));
      expect(message.data.length).toBeGreaterThan(size - 2_000);
      expect(original.subarray(0, message.data.length).equals(message.data)).toBe(true);
      expect(message.header.get(names.deadOriginalBytes)).toBe(String(size));
      expect(message.header.get(names.deadOriginalSha256)).toBe(
        createHash('sha256').update(original).digest('hex'),
      );
    },
  );
});
