import { jest } from '@jest/globals';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually, serveGit, type GitServer } from '@necrocode/testkit';
import { status } from '@necrocode/rpc';
import { RemoteRepository } from './remote-repository.js';
import { openServices, type Services } from './services.js';
import { startTestStack, type TaskDocument, type TestStack } from './test-stack.js';

jest.setTimeout(120_000);

const gitToken = 'spec-git-token-4713';

let system: TestStack;
let services: Services;
let remote: RemoteRepository;
let count = 0;

beforeAll(async () => {
  process.env.GIT_TOKEN = gitToken;
  system = await startTestStack(
    { runners: 1, maxParallel: 2 },
    { LLM_TIMEOUT_SECONDS: '2', GIT_PATIENCE_SECONDS: '10' },
  );
  services = openServices(system.stack.ready);
});

afterAll(async () => {
  services?.[Symbol.dispose]();
  await system?.stop();
});

afterEach(async () => {
  await services.setFaults('task_registry');
  await services.setFaults('artifact_store');
});

const keyOf = ({ spec_name, task_id }: TaskDocument) => ({ specName: spec_name, taskId: task_id });
const away = { statusCode: status.UNAVAILABLE };

function spooled(): string[] {
  try {
    return readdirSync(join(system.stack.ready.data_dir, 'runner-1/spool')).filter((name) =>
      name.endsWith('.json'),
    );
  } catch {
    return []; // Nothing was spooled yet.
  }
}

function makeTask(more: Record<string, unknown> = {}): TaskDocument {
  count += 1;
  return {
    spec_name: 'outages',
    task_id: `${count}.0`,
    title: 'Correct the answer',
    description: 'answer.txt must say 42.',
    test_commands: ['grep -q 42 answer.txt'],
    ...more,
  };
}

const change = { file_path: 'answer.txt', operation: 'modify', content: '42\n' };
const answer = { answer: { code_changes: [change] } };

/** Publishes a task whose push waits at the remote until `goOn`. */
async function publishTask(): Promise<{ task: TaskDocument; pushed: Promise<unknown>; goOn: () => void }> {
  remote = RemoteRepository.make({ 'answer.txt': '41\n' });
  const [here, go] = [join(remote.path, 'here'), join(remote.path, 'go')];
  remote.hook('post-receive', `touch "${here}"; until [ -e "${go}" ]; do sleep 0.05; done`);
  const task = makeTask({ repo_url: remote.path });
  await system.script(task, [answer]);
  await system.publish(task);
  const pushed = eventually('the push', () => (readdirSync(remote.path).includes('here') ? true : undefined));
  return { task, pushed, goOn: () => writeFileSync(go, '') };
}

describe('a registry that is away when a task should be reported', () => {
  it('[AR-7.1] is told once it is back, and the message is acknowledged only then', async () => {
    const { task, pushed, goOn } = await publishTask();
    await pushed;
    await services.setFaults('task_registry', { method: 'ReportResult', ...away });
    goOn();
    await eventually('the report is on disk', () => (spooled().length === 1 ? true : undefined));
    expect(await system.waiting('default')).toBe(1);
    expect(await system.resultCount(task)).toBe(0);
    await services.setFaults('task_registry');
    expect(await system.result(task)).toMatchObject({ status: 'done', attempts: 1, usage: { llm_calls: 1 } });
    await eventually('it is acknowledged', async () =>
      (await system.waiting('default')) === 0 ? true : undefined,
    );
    expect(await system.resultCount(task)).toBe(1);
    expect(spooled()).toEqual([]);
    expect(remote.commitsOn(`feature/task-outages-${task.task_id}`)).toBe(1);
  });

  it('[AR-7.1] is told by the next runner in its place when the runner died meanwhile', async () => {
    const { task, pushed, goOn } = await publishTask();
    await pushed;
    await services.setFaults('task_registry', { method: 'ReportResult', ...away });
    goOn();
    await eventually('the report is on disk', () => (spooled().length === 1 ? true : undefined));
    process.kill(system.runnerPid('runner-1'), 'SIGKILL');
    await services.setFaults('task_registry');
    expect(await system.result(task)).toMatchObject({ status: 'done', usage: { llm_calls: 1 } });
    await eventually('the spool is empty', () => (spooled().length === 0 ? true : undefined));
    expect(await system.resultCount(task)).toBe(1);
    expect(await system.llmCalls(task)).toHaveLength(1);
    expect(remote.commitsOn(`feature/task-outages-${task.task_id}`)).toBe(1);
  });
});

describe('an artifact store that is away when artifacts should be stored', () => {
  it('[AR-6.5] costs a warning, and gets them later', async () => {
    const { task, pushed, goOn } = await publishTask();
    await pushed;
    await services.setFaults('artifact_store', { method: 'Upload', ...away });
    goOn();
    const result = await system.result(task);
    expect(result).toMatchObject({ status: 'done', pushed: true, artifacts: [] });
    expect(result.warnings?.join()).toMatch(/artifact change\.diff was not stored: [^]*it is sent later/);
    await services.setFaults('artifact_store');
    const names = ['change.diff', 'run.log', 'tests.json', 'transcript.jsonl', 'transcript.md'];
    await eventually('all are stored', async () => {
      const stored = await services.stored(keyOf(task));
      return names.every((name) => stored.includes(name)) ? true : undefined;
    });
    await eventually('the spool is empty', () => (spooled().length === 0 ? true : undefined));
    expect((await services.stored(keyOf(task))).filter((name) => names.includes(name))).toEqual(names);
  });
});

describe('an LLM that is away for a while', () => {
  it('[AR-16.6] is waited for, also when it swallows a request, and every call is counted that may be paid', async () => {
    remote = RemoteRepository.make({ 'answer.txt': '41\n' });
    const task = makeTask({ repo_url: remote.path });
    const away = { fault: { status: 503 } };
    await system.script(task, [away, away, away, away, away, away, { fault: 'hang' }, answer]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({ status: 'done', attempts: 1, usage: { llm_calls: 2 } });
    expect(await system.llmCalls(task)).toHaveLength(8);
  });
});

describe('a git remote that is away for a while', () => {
  let server: GitServer;
  let away: boolean;
  let dropped: number;
  /** The answer to the first push is lost, and the remote is away from then on. */
  let losesPush: boolean;

  beforeEach(async () => {
    remote = RemoteRepository.make({ 'answer.txt': '41\n' });
    remote.git('config', 'http.receivepack', 'true');
    [away, dropped, losesPush] = [false, 0, false];
    const user = { username: 'x-access-token', password: gitToken };
    server = await serveGit(remote.path, user, undefined, (url) => {
      if (away) dropped += 1;
      if (away) return 'before';
      if (!losesPush || !url.endsWith('/git-receive-pack')) return undefined;
      [away, losesPush] = [true, false];
      return 'after';
    });
  });

  afterEach(() => server[Symbol.asyncDispose]());

  const branchOf = (task: TaskDocument) => `feature/task-outages-${task.task_id}`;

  async function publishTo(url: string): Promise<TaskDocument> {
    const task = makeTask({ repo_url: url });
    await system.script(task, [answer]);
    await system.publish(task);
    return task;
  }

  it('[AR-8.2] is waited for before the work', async () => {
    away = true;
    const task = await publishTo(server.url);
    await eventually(
      'more tries than a trouble of its own gets',
      () => (dropped > 4 ? true : undefined),
      30_000,
    );
    away = false;
    expect(await system.result(task)).toMatchObject({ status: 'done', pushed: true, attempts: 1 });
  });

  it('[AR-5.5] is asked when it is back whether it has the commit whose push ended unclear', async () => {
    losesPush = true;
    const task = await publishTo(server.url);
    await eventually(
      'more tries than a trouble of its own gets',
      () => (dropped > 3 ? true : undefined),
      60_000,
    );
    expect(remote.commitsOn(branchOf(task))).toBe(1);
    away = false;
    expect(await system.result(task)).toMatchObject({ status: 'done', pushed: true, attempts: 1 });
    expect(remote.commitsOn(branchOf(task))).toBe(1);
  });

  it('[AR-5.5] gets the same commit from a later attempt when it stays away, and nothing is paid twice', async () => {
    losesPush = true;
    const task = await publishTo(server.url);
    await eventually('the push', () => (away ? true : undefined), 60_000);
    await eventually(
      'it is given back',
      async () => ((await system.task(keyOf(task)))?.state === 'running' ? undefined : true),
      60_000,
    );
    expect(await system.resultCount(task)).toBe(0);
    away = false;
    const result = await system.result(task);
    expect(result).toMatchObject({ status: 'done', pushed: true, attempts: 2, usage: { llm_calls: 1 } });
    expect(result.commit).toBe(remote.git('rev-parse', branchOf(task)));
    expect(remote.commitsOn(branchOf(task))).toBe(1);
  });

  it('[AR-8.3] ends the task when nobody knows its host', async () => {
    const task = await publishTo('https://no-such-host.invalid/x.git');
    expect(await system.result(task)).toMatchObject({
      status: 'failed',
      attempts: 1,
      error: { code: 'repo_unreachable', stage: 'prepare_workspace' },
    });
  });
});
