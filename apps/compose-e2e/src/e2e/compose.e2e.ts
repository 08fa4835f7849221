import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { jest } from '@jest/globals';
import { eventually, tempDir } from '@necrocode/testkit';
import { ComposeStack, secrets, type TaskDocument } from './compose-stack.js';
import { docker } from './docker.js';
import { Remote } from './remote.js';
import { lingering, lookForLeftovers, setupProbe, testProbe, untrustedFiles } from './untrusted.js';

jest.setTimeout(10 * 60_000);

let stack: ComposeStack;

beforeAll(async () => {
  stack = await ComposeStack.start();
  if (stack.jaeger === 'stand-in') {
    process.stderr.write("Jaeger's image cannot be had here: a small OTLP receiver stands in for it\n");
  }
}, 30 * 60_000);

afterAll(() => stack?.stop());

const change = { code_changes: [{ file_path: 'answer.txt', operation: 'modify', content: '42\n' }] };

const remoteOf = (name: string, files: Readonly<Record<string, string>> = { 'answer.txt': '41\n' }) =>
  Remote.make(name, { port: stack.ports.git, token: secrets.gitToken }, files);

const taskFor = (spec: string, id: string, remote: Remote, more: object = {}): TaskDocument => ({
  spec_name: spec,
  task_id: id,
  title: 'Correct the answer',
  description: 'answer.txt must say 42.',
  repo_url: remote.url,
  setup_commands: [],
  test_commands: ['grep -q 42 answer.txt'],
  ...more,
});

const many = (spec: string, count: number, remote: Remote) =>
  Array.from({ length: count }, (_, at) => taskFor(spec, String(at + 1), remote));

/** Submitted side by side: each is a process of its own. */
async function submitAll(tasks: readonly TaskDocument[]): Promise<void> {
  await Promise.all(tasks.map((task) => stack.submit(task)));
}

/** Some task that a runner works on, while others wait. */
function someRunning(tasks: readonly TaskDocument[]): Promise<TaskDocument> {
  return eventually(
    'a task runs',
    async () => {
      const states = await Promise.all(tasks.map((task) => stack.state(task)));
      return tasks[states.indexOf('running')];
    },
    60_000,
  );
}

/** Each task done, with one result, and one branch with one commit. */
async function expectDoneOnce(tasks: readonly TaskDocument[], remote: Remote) {
  const results = [];
  for (const task of tasks) {
    await stack.inState(task, 'done', 'failed', 'cancelled');
    const all = await stack.results(task);
    expect(all.map(({ status, pushed, error }) => ({ status, pushed, error }))).toEqual([
      { status: 'done', pushed: true, error: null },
    ]);
    results.push(...all);
  }
  const branches = await remote.branches();
  expect([...branches.keys()].sort()).toEqual(['main', ...results.map(({ branch }) => branch ?? '')].sort());
  for (const { branch, commit } of results) {
    expect(branches.get(branch ?? '')).toBe(commit);
    expect((await remote.look(branch ?? '', 'answer.txt')).subjects).toHaveLength(1);
  }
  return results;
}

describe('the stack in containers', () => {
  it('[AR-9.3] does a task that is published from outside, and shows it in one trace', async () => {
    const remote = await remoteOf('main-job');
    stack.script({ answer: change });
    const task = taskFor('main-job', '1', remote, { setup_commands: ['getent hosts registry.npmjs.org'] });
    await stack.submit(task, '--watch');

    const [result] = await expectDoneOnce([task], remote);
    expect(result).toMatchObject({
      sandbox: 'container',
      tests: [{ passed: true }],
      files_changed: ['answer.txt'],
    });
    expect(await remote.look('feature/task-main-job-1', 'answer.txt')).toEqual({
      subjects: ['feat(task-1): Correct the answer'],
      text: '42\n',
    });

    const { stdout } = await stack.necro('get', 'main-job/1', '--json');
    const seen = JSON.parse(stdout) as { events: { type: string }[]; artifacts: { type: string }[] };
    expect(seen.events.map(({ type }) => type)).toEqual(expect.arrayContaining(['TaskCompleted']));
    expect(seen.artifacts.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['diff', 'log', 'test_result', 'transcript']),
    );
    const folder = tempDir();
    await stack.necro('artifacts', 'main-job/1', '--download', folder);
    expect(readFileSync(join(folder, 'diff-change.diff'), 'utf8')).toContain('+42');

    // Each service sends its spans in its own time.
    const services = ['runner', 'task-registry', 'repo-pool', 'artifact-store'];
    const spans = await eventually('spans of every service', async () => {
      const seen = await stack.trace(result?.trace_id ?? '');
      return services.every((name) => seen.some(({ service }) => service === name)) ? seen : undefined;
    });
    const names = spans.map(({ name }) => name);
    const stages = [
      'lease_slot',
      'prepare_workspace',
      'setup',
      'propose_change',
      'run_tests',
      'decide_commit',
      'push',
    ];
    expect(names).toEqual(expect.arrayContaining(['task', ...stages, 'command']));
    expect(names.filter((name) => name === 'task')).toHaveLength(1);
    // One tree: whoever is not the root has a parent that is there, or the publisher's.
    const ids = new Set(spans.map(({ id }) => id));
    const roots = spans.filter(({ parent }) => parent === undefined || !ids.has(parent));
    expect(roots.map(({ name }) => name)).toHaveLength(1);
  });

  it('[AR-10.4] keeps what commands may not have out of their reach', async () => {
    const remote = await remoteOf('zone', untrustedFiles);
    stack.script({ answer: change });
    const task = taskFor('zone', '1', remote, {
      setup_commands: [setupProbe, lingering],
      test_commands: [testProbe, lingering, lookForLeftovers],
      fail_fast: false,
    });
    await stack.submit(task);
    await stack.inState(task, 'done', 'failed');
    const folder = tempDir();
    await stack.necro('artifacts', 'zone/1', '--download', folder);
    const evidence = readFileSync(join(folder, 'test_result-tests.json'), 'utf8');
    expect(evidence).not.toContain('found: ');
    expect(evidence.match(/looked around as 2\d{4}/g)).toHaveLength(2);
    for (const secret of Object.values(secrets)) expect(evidence).not.toContain(secret);
    expect((await stack.results(task))[0]).toMatchObject({ status: 'done', sandbox: 'container' });
    for (const service of ['sandbox', 'sandbox-setup']) {
      const rooms = await stack.project.compose(
        'exec',
        '-T',
        service,
        'ls',
        '-A',
        '/rooms',
        '/tmp',
        '/dev/shm',
      );
      expect(rooms.match(/^(left|[0-9a-f]{24})$/gm)).toBeNull();
    }
  });

  it('[AR-14.1] takes more runners in while tasks run', async () => {
    const remote = await remoteOf('scale');
    stack.script({ answer: change, delay_ms: 2_000 });
    const tasks = many('scale', 12, remote);
    await submitAll(tasks);
    await someRunning(tasks);
    await stack.project.up(4);
    const results = await expectDoneOnce(tasks, remote);
    expect(new Set(results.map(({ runner_id }) => runner_id)).size).toBeGreaterThan(1);
  });

  it('[AR-8.5] loses nothing when a runner is killed, which comes back by itself', async () => {
    const remote = await remoteOf('kill');
    stack.script({ answer: change, delay_ms: 5_000 });
    const tasks = many('kill', 8, remote);
    await submitAll(tasks);
    const killed = await runnerOf(await someRunning(tasks));
    process.kill(Number(await stack.project.inspect(killed, '{{.State.Pid}}')), 'SIGKILL');
    await expectDoneOnce(tasks, remote);
    await eventually(
      'the runner is back',
      async () => {
        const state = await stack.project.inspect(killed, '{{.RestartCount}} {{.State.Health.Status}}');
        return state === '1 healthy' ? true : undefined;
      },
      60_000,
    );
  });

  it('[AR-15.4] goes on when NATS is restarted under it', async () => {
    const remote = await remoteOf('nats');
    stack.script({ answer: change, delay_ms: 2_000 });
    const tasks = many('nats', 6, remote);
    await submitAll(tasks);
    await someRunning(tasks);
    await stack.project.compose('restart', 'nats');
    await expectDoneOnce(tasks, remote);
  });

  it('[AR-7.5] stops with work in flight, every container in order, and goes on after the next start', async () => {
    const remote = await remoteOf('stop');
    stack.script({ answer: change, delay_ms: 5_000 });
    const tasks = many('stop', 10, remote);
    await submitAll(tasks);
    await someRunning(tasks);
    await stack.project.compose('stop');
    const containers = await stack.project.containers();
    expect(containers.length).toBeGreaterThanOrEqual(12);
    expect((await Promise.all(containers.map(howItEnded))).filter((end) => end !== '0')).toEqual([]);
    stack.script({ answer: change });
    await stack.project.up(4);
    await expectDoneOnce(tasks, remote);
    const slots = await stack.project.compose('exec', '-T', 'sandbox', 'ls', '-A', '/rooms');
    expect(slots.trim()).toBe('');
  });

  it('[AR-11.3] holds every container to its limits and rights', async () => {
    const format =
      '{{index .Config.Labels "com.docker.compose.service"}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Memory}} {{.HostConfig.PidsLimit}} {{.HostConfig.CapDrop}} {{.HostConfig.Privileged}} {{.HostConfig.SecurityOpt}} {{.HostConfig.Binds}}';
    for (const id of await stack.project.containers()) {
      const facts = await stack.project.inspect(id, format);
      expect(facts).toMatch(/^\S+ true [1-9]\d+ [1-9]\d* \[ALL\] false \[no-new-privileges:true\]/);
      expect(facts).not.toContain('docker.sock');
    }
    const base = await docker('image', 'inspect', '--format', '{{.Size}}', 'node:24-bookworm-slim');
    const runner = await docker('image', 'inspect', '--format', '{{.Size}}', 'necrocode-runner');
    expect(Number(runner) - Number(base)).toBeLessThan(120_000_000);
  });

  it('[AR-10.2] lets each part come to NATS with its own rights only', async () => {
    const address = 'http://127.0.0.1:8222/connz?auth=1';
    const seen = await stack.project.compose('exec', '-T', 'nats', 'wget', '-q', '-O', '-', address);
    const { connections } = JSON.parse(seen) as { connections: { authorized_user: string }[] };
    expect([...new Set(connections.map(({ authorized_user: user }) => user))].sort()).toEqual([
      'registry',
      'runner',
    ]);
  });
});

/** `0`, or whatever else with the container's name and last words. */
async function howItEnded(container: string): Promise<string> {
  const [code, name] = await Promise.all(
    ['{{.State.ExitCode}}', '{{.Name}}'].map((format) => stack.project.inspect(container, format)),
  );
  return code === '0' ? code : `${name} ${code}: ${await docker('logs', '--tail', '20', container)}`;
}

/** The container whose runner works on a task. */
async function runnerOf(task: TaskDocument): Promise<string> {
  const { stdout } = await stack.necro('get', `${task.spec_name}/${task.task_id}`, '--json');
  const containers = await stack.project.containers('runner');
  const found = containers.find((id) => stdout.includes(id.slice(0, 12)));
  if (found === undefined) throw new Error(`no container is the runner of ${task.spec_name}/${task.task_id}`);
  return found;
}
