import { jest } from '@jest/globals';
import { eventually } from '@necrocode/testkit';
import { RemoteRepository } from './remote-repository.js';
import { startTestStack, type TaskDocument, type TestStack } from './test-stack.js';

jest.setTimeout(120_000);

let system: TestStack;
let count = 0;

beforeAll(async () => {
  system = await startTestStack(
    { runners: 1, maxParallel: 8 },
    {
      SHUTDOWN_GRACE_SECONDS: '15',
      RUNNER_LEASE_SECONDS: '3',
      RUNNER_ACK_WAIT_SECONDS: '5',
      RUNNER_HEARTBEAT_SECONDS: '1',
    },
  );
});

afterAll(async () => {
  await system?.stop();
});

/** Publishes 8 tasks and waits until the model is asked for each; its first answer takes this long. */
async function load(firstAnswerMs: number): Promise<TaskDocument[]> {
  const remote = RemoteRepository.make({ 'answer.txt': '41\n' });
  const tasks = Array.from({ length: 8 }, () => ({
    spec_name: 'drain',
    task_id: `${(count += 1)}.0`,
    title: 'Correct the answer',
    description: 'answer.txt must say 42.',
    repo_url: remote.path,
    test_commands: ['grep -q 42 answer.txt'],
  }));
  const change = { file_path: 'answer.txt', operation: 'modify', content: '42\n' };
  const answer = { answer: { code_changes: [change] } };
  for (const task of tasks) await system.script(task, [{ ...answer, delay_ms: firstAnswerMs }, answer]);
  await Promise.all(tasks.map((task) => system.publish(task)));
  await eventually('the model is asked for all', async () => {
    const calls = await Promise.all(tasks.map((task) => system.llmCalls(task)));
    return calls.every(({ length }) => length > 0) ? true : undefined;
  });
  return tasks;
}

const endings = () => system.log().match(/^runner-1: ended with .*$/gm) ?? [];

async function ending(number: number): Promise<string | undefined> {
  await eventually('the runner ended', () => (endings().length >= number ? true : undefined));
  return endings()[number - 1];
}

describe('SIGTERM under a load of 8 tasks', () => {
  it('[AR-8.5] lets them finish where there is time', async () => {
    const tasks = await load(1_500);
    process.kill(system.runnerPid('runner-1'), 'SIGTERM');
    const results = await Promise.all(tasks.map((task) => system.result(task)));
    expect(results.map(({ status, attempts }) => [status, attempts])).toEqual(tasks.map(() => ['done', 1]));
    expect(await ending(1)).toBe('runner-1: ended with code 0');
  });

  it('[AR-8.5] gives back what does not finish, and the next runner does it', async () => {
    const tasks = await load(60_000);
    process.kill(system.runnerPid('runner-1'), 'SIGTERM');
    expect(await ending(2)).toBe('runner-1: ended with code 3');
    const results = await Promise.all(tasks.map((task) => system.result(task)));
    // The call that was cut short may be paid for, so it counts.
    expect(results.map(({ status, usage }) => [status, usage.llm_calls])).toEqual(
      tasks.map(() => ['done', 2]),
    );
    expect(system.log()).toContain('shutting_down');
    for (const task of tasks) expect(await system.resultCount(task)).toBe(1);
  });

  it('[AR-8.5] ends at once when it is sent twice, and the tasks are done nevertheless', async () => {
    const tasks = await load(60_000);
    const stops = () => (system.log().match(/stopping: no new tasks/g) ?? []).length;
    const before = stops();
    const pid = system.runnerPid('runner-1');
    process.kill(pid, 'SIGTERM');
    await eventually('it has heard', () => (stops() > before ? true : undefined));
    process.kill(pid, 'SIGTERM');
    expect(await ending(3)).toBe('runner-1: ended with code 130');
    const results = await Promise.all(tasks.map((task) => system.result(task)));
    expect(results.map(({ status }) => status)).toEqual(tasks.map(() => 'done'));
    for (const task of tasks) expect(await system.resultCount(task)).toBe(1);
  });
});
