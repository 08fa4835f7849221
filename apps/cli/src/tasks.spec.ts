import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir, eventually } from '@necrocode/testkit';
import { defaultPlace, digestOf, keyOf, parseTask, streams, subjects, type Task } from '@necrocode/contracts';
import { manageStreams, withNats } from './reach/nats.js';
import { SpecHand } from './spec-hand.js';
import { specTask, specNats, startSpecStack, writeTask, type SpecStack } from './spec-stack.js';
import { necro, SpecTerminal } from './spec-terminal.js';

describe('necro and the life of a task', () => {
  let stack: SpecStack;
  let hand: SpecHand;
  beforeAll(async () => {
    stack = await startSpecStack();
    hand = new SpecHand(stack);
  }, 60_000);
  afterAll(() => stack.stop());

  const run = (...words: string[]) => necro(words, stack.environment);

  it('[AR-15.1] lists tasks by state and spec, as a table and as JSON', async () => {
    const task = specTask('l1', { spec_name: 'list-spec', required_skill: 'backend' });
    const other = specTask('l2', { spec_name: 'list-spec' });
    await hand.mustClaim(task);
    await hand.report(await hand.mustClaim(other), 'failed');
    const table = await run('list', '--spec', 'list-spec');
    expect(table.out).toMatch(/^KEY +RUN +STATE +RUNNER +AGE +REASON\n/);
    expect(table.out).toMatch(/^list-spec\/l1 +1 +running +hand-1 /m);
    expect(table.out).toMatch(/^list-spec\/l2 +1 +failed .* tests_failed: list-spec\/l2 does not pass$/m);
    const json = await run('list', '--state', 'failed,done', '--spec', 'list-spec', '--json');
    expect(json.json()).toMatchObject([
      { key: 'list-spec/l2', run: 1, state: 'failed', runner_id: 'hand-1' },
    ]);
    expect((await run('list', '--skill', 'backend', '--spec', 'list-spec', '--json')).json()).toHaveLength(1);
    expect(await run('list', '--spec', 'no-such-spec')).toMatchObject({ exitCode: 0, notes: 'no tasks\n' });
    expect(await run('list', '--state', 'sleeping')).toMatchObject({ exitCode: 2 });
  });

  it('[AR-7.2] gets everything of a task as JSON, by its key or its unique id', async () => {
    const task = specTask('g1');
    const held = await hand.mustClaim(task);
    await hand.tell(held, 'StageEnded', { stage: 'run_tests', duration_ms: 12 });
    const artifact = await hand.store(held, 'diff', 'change.diff', Buffer.from('+1\n'));
    expect((await run('get', 'g1', '--json')).json()).toMatchObject({ status: 'running', result: null });
    await hand.report(held, 'done');
    const document = (await run('get', 'cli-spec/g1', '--json')).json() as Record<string, unknown>;
    expect(Object.keys(document)).toEqual(['task', 'status', 'attempts', 'events', 'artifacts', 'result']);
    expect(document).toMatchObject({
      task,
      status: 'done',
      attempts: [{ attempt: 1, run: 1, runner_id: 'hand-1', outcome: 'done' }],
      artifacts: [artifact],
      result: { status: 'done', run: 1, timings: { run_tests: 12 } },
    });
    const events = document.events as { type: string; sequence: number; run: number; attempt: number }[];
    expect(events).toContainEqual(
      expect.objectContaining({
        type: 'StageEnded',
        run: 1,
        attempt: 1,
        data: { stage: 'run_tests', duration_ms: 12 },
      }),
    );
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_event, index) => index + 1));
    expect((await run('get', 'g1')).out).toMatch(/^cli-spec\/g1 {2}Task g1\ndone · run 1/);
  });

  it('[AR-15.1] fails for a key that nobody knows', async () => {
    for (const command of ['get', 'watch', 'logs', 'artifacts', 'cancel', 'retry']) {
      expect(await run(command, 'cli-spec/unknown')).toMatchObject({ exitCode: 1, out: '' });
    }
  });

  it('[AR-8.3] retries a failed task, and nothing else', async () => {
    const task = specTask('r1');
    const held = await hand.mustClaim(task);
    expect(await run('retry', 'r1')).toMatchObject({
      exitCode: 1,
      notes: expect.stringContaining('is running') as string,
    });
    await hand.report(held, 'failed');
    expect((await run('retry', 'r1', '--json')).json()).toEqual({ key: 'cli-spec/r1', run: 2 });
    expect((await run('get', 'r1', '--json')).json()).toMatchObject({ status: 'ready', result: null });
  });

  it('[AR-1.5] cancels a task that waits at once, and asks the runner of one that runs', async () => {
    const task = specTask('c1');
    await hand.mustClaim(task);
    expect((await run('cancel', 'c1', '--reason', 'not needed', '--json')).json()).toMatchObject({
      status: 'running',
    });
    const blocked = specTask('c2', { dependencies: ['c1'] });
    expect(await hand.claim(blocked)).toBeUndefined();
    expect(await run('cancel', 'c2')).toMatchObject({ exitCode: 0, out: 'cancelled  cli-spec/c2\n' });
    const { events } = (await run('get', 'c1', '--json')).json() as { events: unknown[] };
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'CancelRequested', data: { reason: 'not needed' } }),
    );
  });

  it('[AR-12.1] shows the progress of a run until it ends, and succeeds only when it is done', async () => {
    const task = specTask('w1');
    const held = await hand.mustClaim(task);
    const watching = run('watch', 'w1');
    await hand.tell(held, 'StageEnded', { stage: 'prepare_workspace', duration_ms: 40 });
    await hand.report(held, 'failed');
    const failed = await watching;
    expect(failed.exitCode).toBe(1);
    expect(failed.out).toMatch(/· run 1, attempt 1, runner hand-1\n.*✓ prepare_workspace +40 ms\n/);
    expect(failed.out).toContain('failed  cli-spec/w1, run 1');
    expect(failed.out).toContain('tests_failed in run_tests: cli-spec/w1 does not pass');
    await run('retry', 'w1');
    await hand.report(await hand.mustClaim(task), 'done');
    const done = await run('watch', 'w1');
    expect(done.exitCode).toBe(0);
    expect(done.out).toContain('run 2, attempt 1');
    expect(done.out).not.toContain('run 1');
  });

  it('[AR-1.1] submits and watches until a runner has taken the task and finished it', async () => {
    const task = specTask('sw1');
    const submitting = run('submit', writeTask(task), '--watch', '--json');
    await taskIsQueued(task);
    await hand.report(await hand.mustClaim(task), 'done');
    const ran = await submitting;
    expect(ran).toMatchObject({
      exitCode: 0,
      notes: expect.stringContaining('done  cli-spec/sw1, run 1') as string,
    });
    expect(ran.json()).toMatchObject({
      key: 'cli-spec/sw1',
      published: true,
      status: 'done',
      run: 1,
      result: { run: 1 },
    });
  });

  it('[AR-1.2] ends with failure when the key is taken by other content', async () => {
    const task = specTask('sw2');
    await hand.report(await hand.mustClaim(task), 'done');
    const changed = { ...task, description: 'Something else.' };
    const submitting = run('submit', writeTask(changed), '--watch');
    await taskIsQueued(changed);
    expect(await hand.claim(changed)).toBeUndefined();
    expect(await submitting).toMatchObject({
      exitCode: 1,
      notes: expect.stringContaining('key_conflict') as string,
    });
  });

  it('[AR-1.2] waits for the next run when other content follows a failure', async () => {
    const task = specTask('sw3');
    await hand.report(await hand.mustClaim(task), 'failed');
    const changed = { ...task, description: 'Better said.' };
    const submitting = run('submit', writeTask(changed), '--watch');
    await taskIsQueued(changed);
    await hand.report(await hand.mustClaim(changed), 'done');
    expect(await submitting).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('done  cli-spec/sw3, run 2') as string,
    });
  });

  it('[AR-6.4] lists artifacts and downloads each whole, under its type and name', async () => {
    const task = specTask('a1');
    const held = await hand.mustClaim(task);
    const large = Buffer.alloc(900_000, 'log line\n');
    await hand.store(held, 'diff', 'change.diff', Buffer.from('+1\n'));
    await hand.store(held, 'log', 'run.log', large);
    await hand.report(held, 'done');
    expect((await run('artifacts', 'a1')).out).toMatch(/^TYPE +SIZE +SHA-256 +URI\ndiff +3 B /);
    const folder = join(tempDir(), 'new/folder');
    const ran = await run('artifacts', 'a1', '--download', folder, '--json');
    expect(ran.json()).toMatchObject([
      { type: 'diff', file: join(folder, 'diff-change.diff') },
      { type: 'log', file: join(folder, 'log-run.log') },
    ]);
    expect(readFileSync(join(folder, 'diff-change.diff'), 'utf8')).toBe('+1\n');
    expect(readFileSync(join(folder, 'log-run.log')).equals(large)).toBe(true);
  });

  it('[AR-6.4] refuses an artifact whose content is not what was recorded, and leaves no file', async () => {
    const task = specTask('a2');
    const held = await hand.mustClaim(task);
    const stored = await hand.store(held, 'diff', 'change.diff', Buffer.from('as stored\n'));
    await hand.note(held, { ...stored, sha256: 'f'.repeat(64) });
    const folder = tempDir();
    const ran = await run('artifacts', 'a2', '--download', folder);
    expect(ran).toMatchObject({ exitCode: 1, notes: expect.stringContaining('is damaged') as string });
    expect(() => readFileSync(join(folder, 'diff-change.diff'))).toThrow(/ENOENT/);
    expect(() => readFileSync(join(folder, 'diff-change.diff.part'))).toThrow(/ENOENT/);
  });

  it('[AR-6.2] prints the stored log of a run, and says when there is none yet', async () => {
    const task = specTask('o1');
    const held = await hand.mustClaim(task);
    expect(await run('logs', 'o1')).toMatchObject({
      exitCode: 1,
      notes: expect.stringContaining('--follow') as string,
    });
    await hand.store(held, 'log', 'run.log', Buffer.from('{"msg":"stage started"}\n'));
    await hand.report(held, 'done');
    expect(await run('logs', 'o1')).toMatchObject({ exitCode: 0, out: '{"msg":"stage started"}\n' });
  });

  it('[AR-12.2] follows the live log of a run until it ends', async () => {
    const task = specTask('o2');
    const held = await hand.mustClaim(task);
    const terminal = new SpecTerminal();
    const following = necro(['logs', 'o2', '--follow'], stack.environment, { terminal });
    await eventually('it listens', () => terminal.notes.includes('following') || undefined);
    await withNats(nats(), async (connection) => {
      connection.publish(subjects.logs(keyOf(task)), '{"msg":"live"}\n');
      await connection.flush();
    });
    await eventually('the line is shown', () => terminal.out === '{"msg":"live"}\n' || undefined);
    await hand.report(held, 'done');
    expect(await following).toMatchObject({ exitCode: 0 });
  });

  const nats = () => specNats(stack);

  /** Whatever comes after it comes after the publication. */
  async function taskIsQueued(task: Task): Promise<void> {
    const place = { last_by_subj: subjects.task(defaultPlace) };
    await withNats(nats(), async (connection) => {
      const manager = await manageStreams(connection);
      await eventually('the task is queued', async () => {
        const last = await manager.streams.getMessage(streams.tasks.name, place);
        const parsed = parseTask(last?.data ?? '');
        return (parsed.kind === 'task' && digestOf(parsed.task) === digestOf(task)) || undefined;
      });
    });
  }
});
