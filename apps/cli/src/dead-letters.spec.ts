import { connect, type NatsConnection } from '@nats-io/transport-node';
import { headers as names, streams, subjects } from '@necrocode/contracts';
import { ensureStreams, publishDeadLetter } from '@necrocode/messaging';
import { startNats, type NatsServer } from '@necrocode/testkit';
import type { DeadLetter } from './commands/dead-letters.js';
import { manageStreams } from './reach/nats.js';
import { specTask } from './spec-stack.js';
import { necro } from './spec-terminal.js';

describe('necro dead', () => {
  let nats: NatsServer;
  let connection: NatsConnection;
  beforeAll(async () => {
    nats = await startNats();
    connection = await connect({ servers: nats.url });
  }, 60_000);
  afterAll(async () => {
    await connection.close();
    await nats.stop();
  });

  const run = (...words: string[]) => necro(['dead', ...words], { NATS_URL: nats.url });
  const place = { queue: 'dead-queue', priority: 'high' } as const;
  const task = specTask('d1');

  const bury = (original: string, id: string, subject = subjects.task(place)) =>
    publishDeadLetter(connection, {
      queue: place.queue,
      subject,
      original: Buffer.from(original),
      code: 'invalid_task',
      reason: 'title: required\nand more',
      attempts: 3,
      id,
    });

  it('[AR-1.2] lists nothing before there are streams, and after', async () => {
    expect(await run('list')).toMatchObject({ exitCode: 0, notes: 'no dead letters\n' });
    await ensureStreams(connection);
    expect((await run('list', '--json')).json()).toEqual([]);
  });

  it('[AR-1.2] lists dead letters with code, reason and key, past those that were removed', async () => {
    await bury(JSON.stringify(task), 'one');
    await bury('not json', 'two');
    await bury(JSON.stringify(specTask('d3')), 'three');
    const manager = await manageStreams(connection);
    await manager.streams.deleteMessage(streams.dead.name, 2);
    expect((await run('list', '--json')).json()).toEqual([
      {
        sequence: 1,
        queue: 'dead-queue',
        code: 'invalid_task',
        reason: 'title: required and more',
        attempts: 3,
        time: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        key: 'cli-spec/d1',
      },
      expect.objectContaining({ sequence: 3, key: 'cli-spec/d3' }),
    ]);
    expect((await run('list')).out).toMatch(
      /^SEQ +QUEUE +KEY +CODE +TIME +REASON\n +1 +dead-queue +cli-spec\/d1 /,
    );
  });

  it('[AR-8.5] sends the original bytes back to their subject under a new id, and removes the letter', async () => {
    const ran = await run('requeue', '1', '--json');
    expect(ran.json()).toEqual({
      sequence: 1,
      subject: 'necrocode.tasks.dead-queue.high',
      key: 'cli-spec/d1',
    });
    const manager = await manageStreams(connection);
    const query = { last_by_subj: 'necrocode.tasks.dead-queue.high' };
    const message = await manager.streams.getMessage(streams.tasks.name, query);
    expect(message?.string()).toBe(JSON.stringify(task));
    expect(message?.header.get(names.msgId)).toMatch(/^requeued-1-/);
    const left = (await run('list', '--json')).json() as DeadLetter[];
    expect(left.map(({ sequence }) => sequence)).toEqual([3]);
  });

  it('[AR-8.5] refuses a letter that is not there, or that does not tell where it came from', async () => {
    expect(await run('requeue', '1')).toMatchObject({ exitCode: 1 });
    expect(await run('requeue', 'first')).toMatchObject({ exitCode: 2 });
    await bury('{}', 'four', 'somewhere.else');
    expect(await run('requeue', '4')).toMatchObject({
      exitCode: 1,
      notes: expect.stringContaining('submit') as string,
    });
    expect((await run('list', '--json')).json()).toHaveLength(2);
  });
});
