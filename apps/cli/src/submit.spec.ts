import { digestOf, headers, msgIdOf, streams, subjects } from '@necrocode/contracts';
import { connect } from '@nats-io/transport-node';
import { jetstreamManager } from '@nats-io/jetstream';
import { necro } from './spec-terminal.js';
import { specTask, startSpecStack, writeTask, type SpecStack } from './spec-stack.js';

describe('necro submit', () => {
  let stack: SpecStack;
  beforeAll(async () => (stack = await startSpecStack()), 60_000);
  afterAll(() => stack.stop());

  const submit = (document: unknown, ...more: string[]) =>
    necro(['submit', writeTask(document), ...more], stack.environment);

  async function messagesOn(subject: string) {
    const connection = await connect({ servers: stack.environment.NATS_URL });
    try {
      const manager = await jetstreamManager(connection);
      const info = await manager.streams.info(streams.tasks.name, { subjects_filter: subject });
      const last = info.state.subjects?.[subject]
        ? await manager.streams.getMessage(streams.tasks.name, { last_by_subj: subject })
        : null;
      return { count: info.state.subjects?.[subject] ?? 0, last };
    } finally {
      await connection.close();
    }
  }

  it('[AR-1.1] publishes a task under its deduplicating id, and warns that nobody serves its queue', async () => {
    const task = specTask('s1', { required_skill: 'skill-s1' });
    const ran = await submit(task);
    expect(ran).toMatchObject({
      exitCode: 0,
      notes: expect.stringContaining('no runner has served the queue "skill-s1"') as string,
    });
    expect(ran.out).toContain('published  cli-spec/s1');
    const { count, last } = await messagesOn(subjects.task({ queue: 'skill-s1', priority: 'normal' }));
    expect(count).toBe(1);
    expect(last?.header.get(headers.msgId)).toBe(msgIdOf(task));
    expect(last?.json()).toEqual(task);
  });

  it('[AR-1.1] takes queue and priority from the command line, and a task from standard input', async () => {
    const words = ['submit', '-', '--queue', 'q-s2', '--priority', 'high', '--json'];
    const ran = await necro(words, stack.environment, { input: JSON.stringify(specTask('s2')) });
    expect(ran.json()).toEqual({
      key: 'cli-spec/s2',
      subject: 'necrocode.tasks.q-s2.high',
      msg_id: msgIdOf(specTask('s2')),
      branch: 'feature/task-cli-spec-s2',
      digest: digestOf(specTask('s2')),
      published: true,
      duplicate: false,
    });
  });

  it('[AR-1.1] says that the same content was published before', async () => {
    const task = specTask('s3', { required_skill: 'skill-s3' });
    await submit(task);
    const again = await submit(task, '--json');
    expect(again).toMatchObject({ exitCode: 0 });
    expect(again.json()).toMatchObject({ duplicate: true });
    expect((await messagesOn('necrocode.tasks.skill-s3.normal')).count).toBe(1);
  });

  it('[AR-1.2] names every problem of an invalid task and publishes nothing', async () => {
    const ran = await submit(
      { ...specTask('s4'), title: '', colour: 'red', required_skill: 'skill-s4' },
      '--queue',
      'skill-s4',
    );
    expect(ran.exitCode).toBe(2);
    expect(ran.out).toBe('');
    expect(ran.notes).toMatch(/2 problems/);
    expect(ran.notes).toMatch(/^ {2}title\s/m);
    expect(ran.notes).toMatch(/^ {2}colour\s+unknown field$/m);
    expect((await messagesOn('necrocode.tasks.skill-s4.normal')).count).toBe(0);
  });

  it.each([
    ['what is no JSON', '{"task_id":', /not JSON/],
    ['a newer schema', { ...specTask('x'), schema_version: 99 }, /newer/],
    [
      'credentials in the URL',
      specTask('x', { repo_url: 'https://me:secret@git.example/x.git' }),
      /repo_url\s+must not contain credentials/,
    ],
  ])('[AR-1.2] refuses %s', async (_what, document, message) => {
    const ran = await submit(document);
    expect(ran).toMatchObject({ exitCode: 2, notes: expect.stringMatching(message) as string });
    expect(ran.notes).not.toContain('secret@');
  });

  it('[AR-1.2] refuses a missing file, an unknown priority and a queue that is none', async () => {
    expect(await necro(['submit', '/nowhere/x.json'], stack.environment)).toMatchObject({ exitCode: 2 });
    expect(await submit(specTask('s5'), '--priority', 'urgent')).toMatchObject({ exitCode: 2 });
    expect(await submit(specTask('s5'), '--queue', 'a.b')).toMatchObject({
      exitCode: 2,
      notes: expect.stringContaining('--queue') as string,
    });
  });
});
