import { jest } from '@jest/globals';
import { eventually, serveGit, type GitServer } from '@necrocode/testkit';
import { processesOf } from './processes.js';
import { RemoteRepository } from './remote-repository.js';
import { openServices, type Services } from './services.js';
import { startTestStack, type TestStack } from './test-stack.js';

jest.setTimeout(120_000);

const gitToken = 'spec-git-token-4713';
const stageSeconds = 1;

let system: TestStack;
let services: Services;
let server: GitServer | undefined;

beforeAll(async () => {
  process.env.GIT_TOKEN = gitToken;
  const limited = ['prepare_workspace', 'setup', 'propose_change', 'run_tests', 'push'];
  const runnerSettings = [
    'stage_timeout_seconds:',
    ...limited.map((stage) => `  ${stage}: ${stageSeconds}`),
    '',
  ].join('\n');
  system = await startTestStack({ runners: 1, maxParallel: 2, runnerSettings });
  services = openServices(system.stack.ready);
});

afterAll(async () => {
  services?.[Symbol.dispose]();
  await system?.stop();
});

afterEach(async () => {
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

const marker = `34.${process.pid}`;
const sleeping = [`(setsid sleep ${marker} &) ; sleep ${marker}`];

describe('a stage that takes too long', () => {
  it.each([
    { stage: 'prepare_workspace', holds: 'git-upload-pack', more: {}, kept: ['log'] },
    {
      stage: 'setup',
      holds: '',
      more: { setup_commands: sleeping },
      kept: ['log', 'test_result', 'transcript'],
    },
    { stage: 'propose_change', holds: '', more: { title: 'hang' }, kept: ['log'] },
    {
      stage: 'run_tests',
      holds: '',
      more: { test_commands: sleeping },
      kept: ['diff', 'log', 'test_result'],
    },
    {
      stage: 'push',
      holds: 'git-receive-pack',
      more: {},
      kept: ['diff', 'log', 'test_result', 'transcript'],
    },
  ])(
    '[AR-11.2] fails the task as timed out in $stage, and keeps what was done',
    async ({ stage, holds, more, kept }) => {
      const remote = RemoteRepository.make({ 'answer.txt': '41\n' });
      remote.git('config', 'http.receivepack', 'true');
      const user = { username: 'x-access-token', password: gitToken };
      if (holds) server = await serveGit(remote.path, user, (url) => url.includes(holds));
      const task = {
        spec_name: 'timeouts',
        task_id: stage,
        title: 'Correct the answer',
        description: 'answer.txt must say 42.',
        repo_url: server?.url ?? remote.path,
        setup_commands: [],
        test_commands: ['grep -q 42 answer.txt'],
        ...more,
      };
      const change = { file_path: 'answer.txt', operation: 'modify', content: '42\n' };
      const answer = { answer: { code_changes: [change] } };
      await system.script(task, [task.title === 'hang' ? { fault: 'hang' } : answer]);
      await system.publish(task);
      const result = await system.result(task);
      expect(result).toMatchObject({ status: 'failed', pushed: false, error: { code: 'timeout', stage } });
      expect(result.error?.message).toContain(`the stage ${stage} did not end within its ${stageSeconds} s`);
      expect(result.artifacts.map(({ type }) => type)).toEqual(expect.arrayContaining(kept));
      expect(processesOf(marker, system.stack.ready)).toEqual([]);
      await eventually('the slot is back', async () => {
        const slots = await services.slots('');
        return slots.every(({ state }) => state === 'available') ? true : undefined;
      });
      expect(remote.has(`feature/task-timeouts-${stage}`)).toBe(false);
    },
  );
});
