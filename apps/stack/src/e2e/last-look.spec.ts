import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { subjects } from '@necrocode/contracts';
import { eventually } from '@necrocode/testkit';
import { RemoteRepository } from './remote-repository.js';
import { startTestStack, type TaskDocument, type TestStack } from './test-stack.js';

jest.setTimeout(120_000);

let system: TestStack;

beforeAll(async () => {
  system = await startTestStack({ runners: 1, maxParallel: 1 }, { RUNNER_LEASE_SECONDS: '4' });
});
afterAll(() => system?.stop());

/** A task whose runner was killed right after the remote had accepted its push. */
async function pushedByTheDead(id: string) {
  const remote = RemoteRepository.make({ 'answer.txt': '41\n' });
  const [here, go] = [join(remote.path, 'here'), join(remote.path, 'go')];
  remote.hook('post-receive', `touch "${here}"; until [ -e "${go}" ]; do sleep 0.05; done`);
  const task = {
    spec_name: 'last-look',
    task_id: id,
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
  writeFileSync(go, '');
  return { task, remote };
}

async function expectDone(task: TaskDocument, remote: RemoteRepository): Promise<void> {
  const result = await eventually('the end', () => system.result(task).catch(() => undefined), 60_000);
  expect(result).toMatchObject({ status: 'done', pushed: true, error: null });
  expect(remote.commitsOn(`feature/task-last-look-${task.task_id}`)).toBe(1);
}

const cancel = ({ spec_name: specName, task_id: taskId }: TaskDocument) =>
  system.connection.publish(subjects.cancel({ specName, taskId }));

describe('a task whose runner is gone', () => {
  it('[AR-5.4] is done when the remote had accepted the push before the task was cancelled', async () => {
    const { task, remote } = await pushedByTheDead('1');
    cancel(task);
    await expectDone(task, remote);
  });

  it.each([
    ['2', 'fails', () => undefined],
    ['3', 'fails and is cancelled', cancel],
  ])(
    '[AR-5.4] is done when the remote had accepted the push and the next attempt %s: %s',
    async (id, _how, then) => {
      const { task, remote } = await pushedByTheDead(id);
      const away = `${remote.path}.away`;
      renameSync(remote.path, away);
      const unknown = () => system.log().split('it is not known whether the remote has the commit').length;
      const before = unknown();
      await eventually('the next attempt', () => (unknown() > before ? true : undefined), 60_000);
      then(task);
      renameSync(away, remote.path);
      await expectDone(task, remote);
    },
  );
});
