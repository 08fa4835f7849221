import { connect, type NatsConnection } from '@nats-io/transport-node';
import { headers as names, streams, subjects } from '@necrocode/contracts';
import { ensureStreams, publishDeadLetter } from '@necrocode/messaging';
import type { DeadLetter } from './commands/dead-letters.js';
import { manageStreams } from './reach/nats.js';
import { SpecHand } from './spec-hand.js';
import { specTask, startSpecStack, type SpecStack } from './spec-stack.js';
import { necro } from './spec-terminal.js';

describe('necro dead', () => {
  let stack: SpecStack;
  let connection: NatsConnection;
  beforeAll(async () => {
    stack = await startSpecStack();
    connection = await connect({ servers: stack.environment['NATS_URL'] as string });
  }, 60_000);
  afterAll(async () => {
    await connection.close();
    await stack.stop();
  });

  const run = (...words: string[]) => necro(['dead', ...words], stack.environment);
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

  it('[AR-1.2] lists nothing before there are dead letters', async () => {
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
      run: null,
    });
    const manager = await manageStreams(connection);
    const query = { last_by_subj: 'necrocode.tasks.dead-queue.high' };
    const message = await manager.streams.getMessage(streams.tasks.name, query);
    expect(message?.string()).toBe(JSON.stringify(task));
    expect(message?.header.get(names.msgId)).toMatch(/^requeued-1-2/);
    const left = (await run('list', '--json')).json() as DeadLetter[];
    expect(left.map(({ sequence }) => sequence)).toEqual([3]);
  });

  it('[AR-8.5] refuses a letter that is not there, or that does not tell where it came from', async () => {
    expect(await run('requeue', '1')).toMatchObject({ exitCode: 1 });
    expect(await run('requeue', 'first')).toMatchObject({ exitCode: 2 });
    await bury(JSON.stringify(task).padEnd(1_048_576), 'cut');
    const cut = ((await run('list', '--json')).json() as DeadLetter[]).at(-1);
    expect(await run('requeue', String(cut?.sequence))).toMatchObject({
      exitCode: 1,
      notes: expect.stringContaining('1048576 bytes') as string,
    });
    await (await manageStreams(connection)).streams.deleteMessage(streams.dead.name, cut?.sequence ?? 0);
    await bury('{}', 'four', 'somewhere.else');
    expect(await run('requeue', '5')).toMatchObject({
      exitCode: 1,
      notes: expect.stringContaining('submit') as string,
    });
    expect((await run('list', '--json')).json()).toHaveLength(2);
  });

  it('[AR-8.3] starts the next run of a task whose attempts were used up, once', async () => {
    const hand = new SpecHand(stack);
    const exhausted = specTask('d7');
    await hand.report(await hand.mustClaim(exhausted), 'failed');
    await bury(JSON.stringify(exhausted), 'seven');
    const letters = (await run('list', '--json')).json() as DeadLetter[];
    const sequence = String(letters.find(({ key }) => key === 'cli-spec/d7')?.sequence);
    const both = await Promise.all([run('requeue', sequence, '--json'), run('requeue', sequence, '--json')]);
    // The second one may come too late to find the letter.
    expect(both.filter(({ exitCode }) => exitCode === 0).length).toBeGreaterThan(0);
    for (const ran of both) if (ran.exitCode === 0) expect(ran.json()).toMatchObject({ run: 2 });
    const second = await hand.mustClaim(exhausted);
    expect(second.run).toBe(2);
    // Neither of the two has published anything that would start another one.
    await hand.report(second, 'failed');
    expect(await hand.claim(exhausted)).toBeUndefined();
  });
});
