import { jest } from '@jest/globals';
import { eventually } from '@necrocode/testkit';
import { RemoteRepository } from './remote-repository.js';
import { startTestStack, type TestStack } from './test-stack.js';

jest.setTimeout(120_000);

let system: TestStack;

beforeAll(async () => {
  system = await startTestStack(
    { runners: 1, maxParallel: 2 },
    {
      RUNNER_LEASE_SECONDS: '2',
      RUNNER_ACK_WAIT_SECONDS: '2',
      RUNNER_HEARTBEAT_SECONDS: '0.4',
      NODE_OPTIONS: '--inspect=127.0.0.1:0',
    },
  );
});

afterAll(async () => {
  await system?.stop();
});

describe('a runner whose event loop is busy', () => {
  it('[AR-8.2] keeps message, lease and slot, and finishes in its first attempt', async () => {
    const task = taskOf('1.0', ['grep -q 42 answer.txt']);
    await system.script(task, [{ answer: { code_changes: [change] }, delay_ms: 1_000 }]);
    await system.publish(task);
    await eventually('the model is asked', async () =>
      (await system.llmCalls(task)).length > 0 ? true : undefined,
    );
    await evaluate(inspectorOf('runner-1'), 'for (const end = Date.now() + 10_000; Date.now() < end; );');
    const result = await system.result(task);
    expect(result).toMatchObject({ status: 'done', attempt: 1, attempts: 1, usage: { llm_calls: 1 } });
    expect(system.log()).not.toMatch(/renewing a lease failed|LeaseExpired/);
    expect(await system.resultCount(task)).toBe(1);
  });
});

describe('services that are away for longer than a lease', () => {
  it.each(['task-registry-mock', 'repo-pool-mock'])(
    '[AR-15.4] do not end healthy work, nor have it paid twice: %s',
    async (name) => {
      const pid = system.servicePid(name);
      const task = taskOf(`${name}-1`, ['sleep 12', 'grep -q 42 answer.txt']);
      await system.script(task, [{ answer: { code_changes: [change] } }]);
      await system.publish(task);
      const key = { specName: task.spec_name, taskId: task.task_id };
      await eventually('its tests', async () =>
        (await system.task(key))?.stage === 'run_tests' ? true : undefined,
      );
      const before = unanswered();
      process.kill(pid, 'SIGSTOP');
      try {
        // Each of them is sent no sooner than the one before has run out of time: 3 s.
        await eventually(
          'the leases would have run out',
          () => (unanswered() - before >= 3 ? true : undefined),
          40_000,
        );
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      expect(await system.result(task)).toMatchObject({
        status: 'done',
        attempts: 1,
        usage: { llm_calls: 1 },
      });
      expect(await system.llmCalls(task)).toHaveLength(1);
    },
  );
});

const change = { file_path: 'answer.txt', operation: 'modify', content: '42\n' };

function taskOf(id: string, testCommands: readonly string[]) {
  return {
    spec_name: 'busy',
    task_id: id,
    title: 'Correct the answer',
    description: 'answer.txt must say 42.',
    repo_url: RemoteRepository.make({ 'answer.txt': '41\n' }).path,
    test_commands: testCommands,
  };
}

/** How often the runner has found nobody to renew a lease with. */
function unanswered(): number {
  return system.log().split('renewing a lease failed').length - 1;
}

/** Where the debugger of a process listens, as the process says at its start. */
function inspectorOf(name: string): string {
  const found = new RegExp(`^${name}: Debugger listening on (ws://\\S+)$`, 'm').exec(system.log());
  if (!found?.[1]) throw new Error(`${name} has no debugger`);
  return found[1];
}

/** Runs an expression in another process and resolves when it is done. */
async function evaluate(url: string, expression: string): Promise<void> {
  const socket = new WebSocket(url);
  await new Promise((resolve) => socket.addEventListener('open', resolve, { once: true }));
  const answered = new Promise((resolve) => socket.addEventListener('message', resolve, { once: true }));
  socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression } }));
  await answered;
  socket.close();
}
