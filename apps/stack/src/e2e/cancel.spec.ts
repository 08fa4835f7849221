import { jest } from '@jest/globals';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { subjects } from '@necrocode/contracts';
import { eventually, serveGit, type GitServer } from '@necrocode/testkit';
import { processesOf } from './processes.js';
import { RemoteRepository } from './remote-repository.js';
import { openServices, type Services } from './services.js';
import { startTestStack, type TaskDocument, type TestStack } from './test-stack.js';

jest.setTimeout(120_000);

const gitToken = 'spec-git-token-4712';
/** Longer than any cancellation may wait for it. */
const slow = { latencyMs: 8_000 };

let system: TestStack;
let services: Services;
let remote: RemoteRepository;
let server: GitServer | undefined;
let count = 0;

beforeAll(async () => {
  process.env.GIT_TOKEN = gitToken;
  // Renewals, which tell of a cancellation as well, would come too late.
  system = await startTestStack({ runners: 1, maxParallel: 2 }, { RUNNER_LEASE_SECONDS: '240' });
  services = openServices(system.stack.ready);
});

afterAll(async () => {
  services?.[Symbol.dispose]();
  await system?.stop();
});

beforeEach(() => {
  remote = RemoteRepository.make({ 'answer.txt': '41\n' });
});

afterEach(async () => {
  for (const service of ['task_registry', 'repo_pool', 'artifact_store'] as const)
    await services.setFaults(service);
  await server?.[Symbol.asyncDispose]();
  server = undefined;
});

/** Everywhere a stage can hang: what makes it, and what of it goes into the task. */
interface Hang {
  readonly stage: string;
  /** What the registry shows by then, where another stage runs beside it. */
  readonly shows?: string;
  readonly because: string;
  readonly arrange: (marker: string) => Promise<Record<string, unknown>>;
}

const hangs: Hang[] = [
  {
    stage: 'lease_slot',
    because: 'the pool is slow',
    arrange: () => fault('repo_pool', 'Allocate'),
  },
  {
    stage: 'prepare_workspace',
    because: 'the remote is silent',
    arrange: () => serveRemote((url) => url.includes('git-upload-pack')),
  },
  {
    stage: 'setup',
    shows: 'propose_change',
    because: 'a command sleeps',
    arrange: (marker) =>
      Promise.resolve({ setup_commands: [`(setsid sleep ${marker} &) ; sleep ${marker}`] }),
  },
  {
    stage: 'propose_change',
    because: 'the model is silent',
    arrange: () => Promise.resolve({ title: 'hang' }),
  },
  {
    stage: 'propose_change',
    because: 'its answer is stored slowly',
    arrange: () => fault('artifact_store', 'Upload'),
  },
  {
    stage: 'run_tests',
    because: 'a test sleeps',
    arrange: (marker) => Promise.resolve({ test_commands: [`(setsid sleep ${marker} &) ; sleep ${marker}`] }),
  },
  {
    stage: 'decide_commit',
    because: 'the registry is slow',
    arrange: () => fault('task_registry', 'DecideCommit'),
  },
  {
    stage: 'push',
    because: 'the remote is silent',
    arrange: () => serveRemote((url) => url.includes('git-receive-pack')),
  },
];

describe('a cancelled task', () => {
  it.each(hangs)(
    '[AR-1.5] ends in $stage, where $because, with all that it started',
    async ({ stage, shows, arrange }) => {
      const marker = `33.${process.pid}${count}`;
      const task = makeTask(await arrange(marker));
      await publish(task);
      await eventually(`the stage ${stage}`, async () =>
        (await system.task(keyOf(task)))?.stage === (shows ?? stage) ? true : undefined,
      );
      // Setup runs beside the first call of the model, which must be over to be sure of the stage.
      if (stage === 'setup') {
        const answered = `"stage":"propose_change","duration_ms"`;
        const isItsOwn = (line: string) =>
          line.includes(`"cancel/${task.task_id}"`) && line.includes(answered);
        await eventually('the answer', () => (system.log().split('\n').some(isItsOwn) ? true : undefined));
      }
      cancel(task);
      expect(await system.result(task)).toMatchObject({
        status: 'cancelled',
        pushed: false,
        error: { code: 'cancelled', stage },
      });
      expect(processesOf(marker, system.stack.ready)).toEqual([]);
      for (const service of ['repo_pool', 'artifact_store'] as const) await services.setFaults(service);
      await eventually('the slot is back', async () => {
        const slots = await services.slots('');
        return slots.every(({ state }) => state === 'available') ? true : undefined;
      });
      await eventually('what was done is kept', async () =>
        (await services.stored(keyOf(task))).includes('run.log') ? true : undefined,
      );
      // The message is acknowledged last.
      await eventually('the queue is empty', async () =>
        (await system.waiting('default')) === 0 ? true : undefined,
      );
      expect(remote.has(`feature/task-cancel-${task.task_id}`)).toBe(false);
    },
  );

  it('[AR-1.5] ends also when it is cancelled while its runner hears of the claim', async () => {
    const task = makeTask({ test_commands: ['sleep 600'] });
    await publish(task);
    await eventually(
      'it runs',
      async () => (await system.task(keyOf(task)))?.state === 'running' || undefined,
    );
    cancel(task);
    expect(await system.result(task)).toMatchObject({ status: 'cancelled', pushed: false });
  });

  it('[AR-1.5] ends also while NATS is away', async () => {
    const marker = `34.${process.pid}${count}`;
    const task = makeTask({ test_commands: [`sleep ${marker}`] });
    await publish(task);
    const running = () => processesOf(marker, system.stack.ready).length > 0;
    await eventually('the command', () => running() || undefined);
    const nats = system.servicePid('nats');
    process.kill(nats, 'SIGSTOP');
    try {
      await services.cancel(keyOf(task));
      await eventually('the command is gone', () => !running() || undefined);
    } finally {
      process.kill(nats, 'SIGCONT');
    }
    expect(await system.result(task)).toMatchObject({ status: 'cancelled', pushed: false });
  });

  it('[AR-5.4] is done when the remote had accepted the push', async () => {
    const [here, go] = [join(remote.path, 'here'), join(remote.path, 'go')];
    remote.hook('post-receive', `touch "${here}"; until [ -e "${go}" ]; do sleep 0.05; done`);
    const task = makeTask({});
    await publish(task);
    await eventually('the push', () => (readdirSync(remote.path).includes('here') ? true : undefined));
    cancel(task);
    expect(await system.result(task)).toMatchObject({ status: 'done', pushed: true, error: null });
    writeFileSync(go, '');
    expect(remote.commitsOn(`feature/task-cancel-${task.task_id}`)).toBe(1);
  });
});

const keyOf = ({ spec_name, task_id }: TaskDocument) => ({ specName: spec_name, taskId: task_id });

function makeTask(more: Record<string, unknown>): TaskDocument {
  count += 1;
  return {
    spec_name: 'cancel',
    task_id: `${count}.0`,
    title: 'Correct the answer',
    description: 'answer.txt must say 42.',
    repo_url: remote.path,
    setup_commands: [],
    test_commands: ['grep -q 42 answer.txt'],
    ...more,
  };
}

async function publish(task: TaskDocument): Promise<void> {
  const change = { file_path: 'answer.txt', operation: 'modify', content: '42\n' };
  const answer = { answer: { code_changes: [change] } };
  await system.script(task, [task.title === 'hang' ? { fault: 'hang' } : answer]);
  await system.publish(task);
}

function cancel(task: TaskDocument): void {
  system.connection.publish(subjects.cancel(keyOf(task)));
}

async function fault(
  service: Parameters<Services['setFaults']>[0],
  method: string,
): Promise<Record<string, unknown>> {
  await services.setFaults(service, { method, ...slow });
  return {};
}

/** The remote behind HTTP, which does not answer some requests of the runner; the pool has no right to ask. */
async function serveRemote(holds: (url: string) => boolean): Promise<Record<string, unknown>> {
  remote.git('config', 'http.receivepack', 'true');
  server = await serveGit(remote.path, { username: 'x-access-token', password: gitToken }, holds);
  return { repo_url: server.url };
}
