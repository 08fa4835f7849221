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
    const task = {
      spec_name: 'busy',
      task_id: '1.0',
      title: 'Correct the answer',
      description: 'answer.txt must say 42.',
      repo_url: RemoteRepository.make({ 'answer.txt': '41\n' }).path,
      test_commands: ['grep -q 42 answer.txt'],
    };
    const change = { file_path: 'answer.txt', operation: 'modify', content: '42\n' };
    await system.script(task, [{ answer: { code_changes: [change] }, delay_ms: 1_000 }]);
    await system.publish(task);
    await eventually('the model is asked', async () =>
      (await system.llmCalls(task)).length > 0 ? true : undefined,
    );
    await evaluate(inspectorOf('runner-1'), 'for (const end = Date.now() + 8_000; Date.now() < end; );');
    const result = await system.result(task);
    expect(result).toMatchObject({ status: 'done', attempt: 1, attempts: 1, usage: { llm_calls: 1 } });
    expect(system.log()).not.toMatch(/renewing a lease failed|LeaseExpired/);
    expect(await system.resultCount(task)).toBe(1);
  });
});

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
