import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { subjects } from '@necrocode/contracts';
import { eventually } from '@necrocode/testkit';
import { RemoteRepository } from './remote-repository.js';
import { startTestStack, type TestStack } from './test-stack.js';

jest.setTimeout(120_000);

let system: TestStack;

beforeAll(async () => {
  system = await startTestStack({ runners: 1, maxParallel: 1 }, { RUNNER_LEASE_SECONDS: '4' });
});
afterAll(() => system?.stop());

describe('a cancelled task whose runner is gone', () => {
  it('[AR-5.4] is done when the remote had accepted the push', async () => {
    const remote = RemoteRepository.make({ 'answer.txt': '41\n' });
    const [here, go] = [join(remote.path, 'here'), join(remote.path, 'go')];
    remote.hook('post-receive', `touch "${here}"; until [ -e "${go}" ]; do sleep 0.05; done`);
    const task = {
      spec_name: 'last-look',
      task_id: '1',
      title: 'Correct the answer',
      description: 'answer.txt must say 42.',
      repo_url: remote.path,
      setup_commands: [],
      test_commands: ['grep -q 42 answer.txt'],
    };
    const change = { file_path: 'answer.txt', operation: 'modify', content: '42\n' };
    await system.script(task, [{ answer: { code_changes: [change] } }]);
    await system.publish(task);
    await eventually('the push', () => (readdirSync(remote.path).includes('here') ? true : undefined));
    process.kill(system.runnerPid('runner-1'), 'SIGKILL');
    system.connection.publish(subjects.cancel({ specName: task.spec_name, taskId: task.task_id }));
    writeFileSync(go, '');
    const result = await eventually('the end', () => system.result(task).catch(() => undefined), 60_000);
    expect(result).toMatchObject({ status: 'done', pushed: true, error: null });
    expect(remote.commitsOn('feature/task-last-look-1')).toBe(1);
  });
});
