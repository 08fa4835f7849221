import { jest } from '@jest/globals';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { defaultPlace, streams, subjects } from '@necrocode/contracts';
import { eventually } from '@necrocode/testkit';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { headers, nanos } from '@nats-io/transport-node';
import { RemoteRepository } from './remote-repository.js';
import { startTestStack, type TaskDocument, type TestStack } from './test-stack.js';

jest.setTimeout(120_000);

const gitToken = 'spec-git-token-4711';

let system: TestStack;
/** What setup commands may reach. */
let packages: Server;
let requests = 0;
let count = 0;

beforeAll(async () => {
  process.env.GIT_TOKEN = gitToken;
  packages = createServer((_request, response) => {
    requests += 1;
    response.end('installed');
  });
  await new Promise<void>((resolve) => packages.listen(0, '127.0.0.1', resolve));
  const setup = { SANDBOX_SETUP_HOSTS: `127.0.0.1:${portOf(packages)}` };
  system = await startTestStack({ runners: 2, maxParallel: 4 }, { LLM_TIMEOUT_SECONDS: '2', ...setup });
});

afterAll(async () => {
  await system?.stop();
  packages?.close();
});

const portOf = (server: Server) => (server.address() as AddressInfo).port;

/** Tests that pass once the answer is 42. */
const project = {
  'src/answer.txt': '41\n',
  'check.sh': 'echo "the answer is $(cat src/answer.txt)"; test "$(cat src/answer.txt)" = 42\n',
};

function makeTask(remote: RemoteRepository, more: Record<string, unknown> = {}): TaskDocument {
  count += 1;
  return {
    spec_name: 'e2e',
    task_id: `${count}.0`,
    title: 'Correct the answer',
    description: 'src/answer.txt must say 42.',
    repo_url: remote.path,
    test_commands: ['sh check.sh'],
    ...more,
  };
}

function answer(text: string) {
  return {
    answer: { code_changes: [{ file_path: 'src/answer.txt', operation: 'modify', content: `${text}\n` }] },
  };
}

/** Command lines on this machine that contain the text, as /proc tells. */
function processesNaming(text: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
      } catch {
        return []; // It has ended meanwhile.
      }
    })
    .filter((line) => line.includes(text));
}

const branchOf = (task: TaskDocument) => `feature/task-${task.spec_name}-${task.task_id}`;

describe('the main job', () => {
  it('[AR-5.3] pushes one commit on the named branch, on top of the base, and keeps the evidence', async () => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote, { test_commands: ['sh check.sh', 'touch left-over'] });
    await system.script(task, [answer('42')]);
    await system.publish(task);
    const result = await system.result(task);

    expect(result).toMatchObject({
      status: 'done',
      error: null,
      pushed: true,
      rounds: 1,
      run: 1,
      attempts: 1,
    });
    expect(result.commit).toBe(remote.git('rev-parse', branchOf(task)));
    expect(result.tree).toBe(remote.git('rev-parse', `${branchOf(task)}^{tree}`));
    expect(result.base_commit).toBe(remote.git('rev-parse', 'main'));
    expect(remote.git('rev-parse', `${branchOf(task)}^`)).toBe(result.base_commit);
    expect(remote.git('ls-tree', '-r', '--name-only', branchOf(task)).split('\n')).toEqual([
      'check.sh',
      'src/answer.txt',
    ]);
    expect(remote.git('log', '-1', '--format=%B', branchOf(task))).toBe(
      `feat(task-${task.task_id}): Correct the answer\n\nTask-Key: e2e/${task.task_id}\nRun: 1`,
    );
    expect(result.artifacts.map(({ type }) => type).sort()).toEqual([
      'diff',
      'log',
      'test_result',
      'transcript',
      'transcript',
    ]);
    expect(result.tests).toMatchObject([
      { command: 'sh check.sh', exit_code: 0, passed: true, limit_hit: null },
      { command: 'touch left-over', exit_code: 0, passed: true, limit_hit: null },
    ]);
    expect(result.usage.llm_calls).toBe(1);
  });

  it('[AR-4.4] shows the failing test to the model, then pushes the correction once', async () => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote);
    await system.script(task, [answer('43'), answer('42')]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({ status: 'done', rounds: 2, usage: { llm_calls: 2 } });
    const [, second] = await system.llmCalls(task);
    expect(second?.request.messages.at(-1)?.content).toContain('the answer is 43');
    expect(remote.commitsOn(branchOf(task))).toBe(1);
  });

  it('[AR-4.5] pushes nothing when the tests still fail after the last round, and keeps diff and output', async () => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote, { budget: { max_rounds: 2 } });
    await system.script(task, [answer('43'), answer('44')]);
    await system.publish(task);
    const result = await system.result(task);
    expect(result).toMatchObject({
      status: 'failed',
      rounds: 2,
      pushed: false,
      commit: null,
      error: { code: 'tests_failed', stage: 'run_tests' },
    });
    expect(result.artifacts.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['diff', 'log', 'test_result']),
    );
    expect(remote.has(branchOf(task))).toBe(false);
  });

  it('[AR-4.4] tells a model that repeats itself so, with the same evidence, and tests nothing twice', async () => {
    const task = makeTask(RemoteRepository.make(project), { budget: { max_rounds: 3 } });
    await system.script(task, [answer('43')]);
    await system.publish(task);
    const result = await system.result(task);
    expect(result).toMatchObject({ status: 'failed', rounds: 3, error: { code: 'tests_failed' } });
    const [, , third] = await system.llmCalls(task);
    expect(third?.request.messages.at(-1)?.content).toMatch(
      /^This is the same answer as in round 1, with which the tests failed[^]*the answer is 43/,
    );
    const commands = () =>
      system.traces.spans.filter(({ traceId, name }) => traceId === result.trace_id && name === 'command');
    await eventually('the trace is there', () =>
      system.traces.spans.find(({ traceId, name }) => traceId === result.trace_id && name === 'release_slot'),
    );
    expect(commands()).toHaveLength(1);
  });

  it('[AR-3.7] tells back what cannot be read or applied, and uses the answer that follows', async () => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote, { budget: { max_rounds: 3 } });
    const edit = {
      file_path: 'src/answer.txt',
      operation: 'modify',
      edits: [{ search: 'fourty', replace: '42' }],
    };
    await system.script(task, [
      { text: 'I would change the answer.' },
      { answer: { code_changes: [edit] } },
      answer('42'),
    ]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({ status: 'done', rounds: 3 });
    const [, second, third] = await system.llmCalls(task);
    expect(second?.request.messages.at(-1)?.content).toContain('not the asked-for JSON');
    expect(third?.request.messages.at(-1)?.content).toContain('src/answer.txt');
  });

  it('[AR-3.1] shows the files that the model asks for', async () => {
    // A lock file is not shown unless it is asked for.
    const remote = RemoteRepository.make({ ...project, 'yarn.lock': 'text of the lock' });
    const task = makeTask(remote);
    await system.script(task, [
      { answer: { code_changes: [], needs_files: ['yarn.lock', 'check.sh', 'no/such'] } },
      answer('42'),
    ]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({ status: 'done', rounds: 1, usage: { llm_calls: 2 } });
    const [, second] = await system.llmCalls(task);
    expect(second?.request.messages.at(-1)?.content).toMatch(
      /text of the lock[^]*Not shown:\n- "check.sh" has been shown to you already[^]*\n- "no\/such" does not exist/,
    );
  });

  it.each([
    ['change_unparsable', /^not_json: /, { text: 'I would change the answer.' }],
    ['change_unparsable', /^cut_off: /, { answer: answer('42').answer, finish_reason: 'length' }],
    [
      'change_refused',
      /^missing: /,
      { answer: { code_changes: [{ file_path: 'no/such', operation: 'modify', content: '' }] } },
    ],
    ['change_without_effect', /no effect/, answer('41')],
  ])('[AR-3.7] fails as %s (%s) when the model does not get better', async (code, which, entry) => {
    const task = makeTask(RemoteRepository.make(project), { budget: { max_rounds: 2 } });
    await system.script(task, [entry]);
    await system.publish(task);
    const message = expect.stringMatching(which) as string;
    expect(await system.result(task)).toMatchObject({
      status: 'failed',
      rounds: 2,
      error: { code, message },
    });
    expect(await system.llmCalls(task)).toHaveLength(2);
  });

  it.each([
    ['max_llm_calls', { max_llm_calls: 1 }, /^max_llm_calls: 1 of 1 calls of the model are used$/],
    ['max_seconds', { max_seconds: 0.001 }, /^max_seconds: [\d.]+ of 0\.001 s have passed in the rounds$/],
  ])('[AR-16.4] ends within its budget: %s', async (_name, budget, message) => {
    const task = makeTask(RemoteRepository.make(project), { budget });
    await system.script(task, [answer('43'), answer('42')]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({
      status: 'failed',
      pushed: false,
      error: { code: 'budget_exceeded', message: expect.stringMatching(message) as string },
    });
  });
});

describe('the LLM', () => {
  it.each([
    ['[AR-16.5] waits out a rate limit', { status: 429, retry_after: 1 }],
    ['[AR-16.5] asks again after a server error', { status: 500 }],
    ['[AR-16.5] asks again after a cut connection', 'cut_off'],
  ])('%s', async (_title, fault) => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote);
    await system.script(task, [{ fault }, answer('42')]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({ status: 'done', rounds: 1 });
    expect(await system.llmCalls(task)).toHaveLength(2);
  });

  it.each([
    ['[AR-8.5] fails at once when the key is not accepted', { status: 401 }, 'llm_auth_failed'],
    ['[AR-16.6] fails when it stays silent', 'hang', 'llm_timeout'],
  ])('%s', async (_title, fault, code) => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote);
    await system.script(task, [{ fault }]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({
      status: 'failed',
      pushed: false,
      error: { code, stage: 'propose_change' },
    });
    expect(remote.has(branchOf(task))).toBe(false);
  });
});

describe('bad tasks', () => {
  it('[AR-1.2] buries what is not JSON, with the original bytes', async () => {
    await system.publish('{"task_id": oops');
    const letter = await system.deadLetter('the dead letter', ({ body }) => body === '{"task_id": oops');
    expect(letter).toMatchObject({
      code: 'invalid_task',
      reason: expect.stringContaining('not JSON') as string,
    });
  });

  it('[AR-1.2] buries what leaves no room beside the reason, and tells its size', async () => {
    const body = 'x'.repeat(1_048_476);
    await system.publish(body, { priority: 'low' });
    const letter = await system.deadLetter('the dead letter', (found) => found.body.startsWith('xxx'));
    expect(body.startsWith(letter.body)).toBe(true);
    await eventually('it is gone', async () => ((await system.waiting('default')) === 0 ? true : undefined));
  });

  it('[AR-1.2] buries what is nested without end, with one result for its key', async () => {
    const task = makeTask(RemoteRepository.make(project));
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    await system.publish(`${JSON.stringify(task).slice(0, -1)},"metadata":{"a":${deep}}}`);
    expect((await system.result(task)).error?.code).toBe('invalid_task');
    await system.deadLetter('the dead letter', ({ reason }) => reason.includes('nested'));
  });

  it('[AR-8.3] buries every bad message, also under an id that its publisher uses again', async () => {
    const manager = await jetstreamManager(system.connection);
    const { config } = await manager.streams.info(streams.tasks.name);
    await manager.streams.update(streams.tasks.name, { duplicate_window: nanos(100) });
    const carried = headers();
    carried.set('Nats-Msg-Id', 'import-row-1');
    for (const body of ['the first bad message', 'the second bad message']) {
      await eventually(`${body} is stored`, async () => {
        const { duplicate } = await jetstream(system.connection).publish(subjects.task(defaultPlace), body, {
          headers: carried,
        });
        return duplicate ? undefined : true;
      });
      await system.deadLetter(body, (letter) => letter.body === body);
    }
    await manager.streams.update(streams.tasks.name, { duplicate_window: config.duplicate_window });
  });

  it('[AR-1.2] names every problem, once in a result and once in a dead letter', async () => {
    const task = {
      ...makeTask(RemoteRepository.make(project)),
      colour: 'red',
      timeout_seconds: 0,
      title: undefined,
    };
    await system.publish(task);
    const result = await system.result(task);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'invalid_task', retryable: false } });
    for (const field of ['colour', 'timeout_seconds', 'title'])
      expect(result.error?.message).toContain(field);
    await system.deadLetter('the dead letter', ({ reason }) => reason.includes('colour'));
    expect(await system.resultCount(task)).toBe(1);
  });

  it('[AR-1.2] refuses an id that could not be a branch', async () => {
    await system.publish({ ...makeTask(RemoteRepository.make(project)), task_id: '../x' });
    await system.deadLetter('the dead letter', ({ reason }) => reason.includes('task_id'));
  });

  it.each([
    ['base_branch_missing', { base_branch: 'no-such-branch' }],
    ['repo_unreachable', { repo_url: '/no/such/repository.git' }],
    ['repo_not_allowed', { repo_url: 'http://example.invalid/x.git' }],
    ['unknown_playbook', { playbook: 'no-such-playbook' }],
  ])('[AR-8.3] fails with %s, and the runner goes on', async (code, more) => {
    const task = makeTask(RemoteRepository.make(project), more);
    await system.script(task, [answer('42')]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({ status: 'failed', error: { code } });
    expect(await system.llmCalls(task)).toHaveLength(0);
  });
});

describe('the remote', () => {
  it('[AR-5.5] reports a push that the remote refuses', async () => {
    const remote = RemoteRepository.make(project);
    remote.hook('pre-receive', 'echo "no pushes on Fridays" >&2; exit 1');
    const task = makeTask(remote);
    await system.script(task, [answer('42')]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({
      status: 'failed',
      pushed: false,
      error: { code: 'push_rejected', stage: 'push' },
    });
  });

  it('[AR-5.5] does not try again where the remote has a branch in the way', async () => {
    const remote = RemoteRepository.make(project);
    remote.push('feature', { 'theirs.txt': 'theirs' });
    const task = makeTask(remote);
    await system.script(task, [answer('42')]);
    await system.publish(task);
    const { error } = await system.result(task);
    expect(error).toMatchObject({ code: 'push_rejected', retryable: false });
    expect(error?.message).toContain('the branch feature exists');
  });

  it('[AR-5.4] leaves a branch alone that holds somebody else’s work, before anything is paid for', async () => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote);
    const theirs = remote.push(branchOf(task), { 'theirs.txt': 'theirs' });
    await system.script(task, [answer('42')]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({ status: 'failed', error: { code: 'branch_conflict' } });
    expect(remote.git('rev-parse', branchOf(task))).toBe(theirs);
    expect(await system.llmCalls(task)).toHaveLength(0);
  });

  it('[AR-5.4] does not overwrite a branch that appears while the task runs', async () => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote);
    await system.script(task, [{ ...answer('42'), delay_ms: 1_500 }]);
    await system.publish(task);
    await eventually('the model is asked', async () =>
      (await system.llmCalls(task)).length > 0 ? true : undefined,
    );
    const theirs = remote.push(branchOf(task), { 'theirs.txt': 'theirs' });
    expect(await system.result(task)).toMatchObject({
      status: 'failed',
      pushed: false,
      error: { code: 'branch_conflict' },
    });
    expect(remote.git('rev-parse', branchOf(task))).toBe(theirs);
  });

  it('[AR-2.4] stands on the base that it was started on, also when that moves', async () => {
    const remote = RemoteRepository.make(project);
    const base = remote.git('rev-parse', 'main');
    const task = makeTask(remote);
    await system.script(task, [{ ...answer('42'), delay_ms: 1_500 }]);
    await system.publish(task);
    await eventually('the model is asked', async () =>
      (await system.llmCalls(task)).length > 0 ? true : undefined,
    );
    remote.push('main', { 'news.txt': 'news' });
    expect(await system.result(task)).toMatchObject({ status: 'done', base_commit: base });
    expect(remote.git('rev-parse', `${branchOf(task)}^`)).toBe(base);
  });
});

describe('secrets', () => {
  it('[AR-10.5] stay out of results, events and traces, whoever says them', async () => {
    const remote = RemoteRepository.make(project);
    remote.hook('pre-receive', `echo "we know ${gitToken}" >&2; exit 1`);
    const task = makeTask(remote);
    await system.script(task, [answer('42')]);
    await system.publish(task);
    const result = await system.result(task);
    expect(result.error).toMatchObject({ code: 'push_rejected' });
    expect(result.error?.message).toContain('we know [masked]');
    const pushed = () =>
      system.traces.spans.find((span) => span.traceId === result.trace_id && span.name === 'release_slot');
    await eventually('the spans are there', pushed);
    expect(JSON.stringify(system.traces.spans)).not.toContain(gitToken);
    expect(system.log()).not.toContain(gitToken);
  });

  it('[AR-10.1] are refused in an answer', async () => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote);
    await system.script(task, [answer(gitToken), answer('42')]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({ status: 'done', rounds: 2 });
    const [, second] = await system.llmCalls(task);
    expect(second?.request.messages.at(-1)?.content).toContain('contains a secret');
  });

  it('[AR-10.2] are given to the runner alone', () => {
    const { pids, runners } = system.stack.ready;
    const knows = (pid: number) => readFileSync(`/proc/${pid}/environ`, 'utf8').includes(gitToken);
    expect(runners.map(({ pid }) => knows(pid))).toEqual([true, true]);
    expect(Object.entries(pids).filter(([, pid]) => knows(pid))).toEqual([]);
  });
});

describe('commands', () => {
  it('[AR-10.2] lets setup reach the hosts that are named, and tests none', async () => {
    const get = `curl --silent --fail --output installed http://127.0.0.1:${portOf(packages)}/`;
    const task = makeTask(RemoteRepository.make(project), {
      setup_commands: [get],
      test_commands: ['grep -q installed installed', `if ${get}; then exit 1; fi`, 'sh check.sh'],
    });
    await system.script(task, [answer('42')]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({ status: 'done', sandbox: 'full' });
  });

  it('[AR-2.1] does the same setup once, and shows no task what another did to it', async () => {
    const remote = RemoteRepository.make(project);
    const setup_commands = [
      `mkdir -p node_modules/x "$HOME/kept" && curl --silent --fail http://127.0.0.1:${portOf(packages)}/ > node_modules/x/index.js`,
      'echo "$PWD" > node_modules/x/place; echo kept > "$HOME/kept/file"',
    ];
    const looks = [
      'cat node_modules/x/index.js "$HOME/kept/file"',
      'test "$(cat node_modules/x/place)" = "$PWD"',
    ];
    const poisons =
      'echo poison > node_modules/x/index.js; echo poison > "$HOME/kept/file"; echo poison > node_modules/y';
    const run = async (test_commands: string[]) => {
      const task = makeTask(remote, { setup_commands, test_commands: [...test_commands, 'sh check.sh'] });
      await system.script(task, [answer('42')]);
      await system.publish(task);
      const result = await system.result(task);
      const span = await eventually('the span of setup', () =>
        system.traces.spans.find(({ traceId, name }) => traceId === result.trace_id && name === 'setup'),
      );
      expect(result).toMatchObject({ status: 'done', error: null });
      expect(remote.git('ls-tree', '-r', '--name-only', branchOf(task)).split('\n')).toEqual([
        'check.sh',
        'src/answer.txt',
      ]);
      return span.attributes['necrocode.setup.cache'];
    };
    const asked = requests;
    expect(await run([...looks, poisons])).toBe('stored');
    expect(await run([...looks, '! grep -r poison node_modules "$HOME"', poisons])).toBe('hit');
    expect(await run([...looks, '! grep -r poison node_modules "$HOME"'])).toBe('hit');
    expect(requests - asked).toBe(1);
  });

  it('[AR-10.2] tells which host setup was refused, in output, trace and events', async () => {
    const nats = new URL(system.stack.ready.nats_url).port;
    const task = makeTask(RemoteRepository.make(project), {
      setup_commands: [
        `if curl --silent --fail http://127.0.0.1:${nats}/; then exit 0; fi; curl --silent --fail --proxy "$HTTP_PROXY" --noproxy '' http://127.0.0.1:${nats}/`,
      ],
      budget: { max_rounds: 1 },
    });
    await system.script(task, [answer('42')]);
    await system.publish(task);
    const result = await system.result(task);
    expect(result).toMatchObject({ status: 'failed', error: { code: 'setup_failed' } });
    const span = await eventually('the span of setup', () =>
      system.traces.spans.find(({ traceId, name }) => traceId === result.trace_id && name === 'setup'),
    );
    expect(span.attributes['necrocode.setup.refused_hosts']).toBe(1);
    expect(system.log()).toContain('"refused_hosts":1');
  });

  it('[AR-4.1] installs a locked npm project before its tests', async () => {
    const task = makeTask(
      RemoteRepository.make({
        ...project,
        'package.json': JSON.stringify({
          name: 'x',
          version: '1.0.0',
          scripts: { test: 'node check.js' },
          dependencies: { two: 'file:two' },
        }),
        'package-lock.json': JSON.stringify({
          name: 'x',
          version: '1.0.0',
          lockfileVersion: 3,
          packages: {
            '': { name: 'x', version: '1.0.0', dependencies: { two: 'file:two' } },
            'node_modules/two': { resolved: 'two', link: true },
            two: { version: '1.0.0' },
          },
        }),
        'two/package.json': JSON.stringify({ name: 'two', version: '1.0.0', main: 'two.js' }),
        'two/two.js': 'module.exports = 21;\n',
        'check.js':
          "const want = String(2 * require('two')); if (require('fs').readFileSync('src/answer.txt', 'utf8').trim() !== want) throw new Error('not ' + want);\n",
      }),
      { test_commands: undefined },
    );
    await system.script(task, [answer('42')]);
    await system.publish(task);
    const result = await system.result(task);
    expect(result).toMatchObject({ status: 'done', tests: [{ command: 'npm test', passed: true }] });
    expect(Object.keys(result.timings)).toContain('setup');
  });
});

describe('time', () => {
  it('[AR-11.2] ends a task that takes too long, with everything that it started', async () => {
    const marker = `31.${process.pid}`;
    const task = makeTask(RemoteRepository.make(project), {
      timeout_seconds: 2,
      test_commands: [`(setsid sleep ${marker} &) ; sleep ${marker}`],
    });
    await system.script(task, [answer('42')]);
    await system.publish(task);
    const result = await system.result(task);
    expect(result).toMatchObject({
      status: 'failed',
      pushed: false,
      error: { code: 'timeout', stage: 'run_tests' },
    });
    expect(result.tests).toMatchObject([{ exit_code: null, passed: false, limit_hit: 'timeout' }]);
    expect(result.artifacts.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['diff', 'log', 'test_result']),
    );
    expect(processesNaming(marker)).toEqual([]);
  });

  it('[AR-11.5] names the limit that a command reached, in the result and as a warning', async () => {
    const greedy = `node -e 'try { for (;;) fs.openSync("/dev/null") } catch {} setTimeout(() => {}, 2000)'`;
    const task = makeTask(RemoteRepository.make(project), { test_commands: [greedy] });
    await system.script(task, [answer('42')]);
    await system.publish(task);
    const result = await system.result(task);
    expect(result.tests).toMatchObject([{ exit_code: 0, passed: true, limit_hit: 'open_files' }]);
    expect(result.warnings).toContainEqual(expect.stringContaining('reached its limit: open_files'));
  });

  it('[AR-1.5] ends a running task that is cancelled, and never starts a parked one', async () => {
    const marker = `32.${process.pid}`;
    const remote = RemoteRepository.make(project);
    const running = makeTask(remote, { test_commands: [`sleep ${marker}`] });
    const parked = makeTask(remote, { dependencies: [running.task_id] });
    for (const task of [running, parked]) await system.script(task, [answer('42')]);
    await system.publish(running);
    await system.publish(parked);
    await eventually('the tests run', () => (processesNaming(marker).length > 0 ? true : undefined));
    system.connection.publish(subjects.cancel({ specName: parked.spec_name, taskId: parked.task_id }));
    system.connection.publish(subjects.cancel({ specName: running.spec_name, taskId: running.task_id }));
    expect(await system.result(running)).toMatchObject({ status: 'cancelled', pushed: false });
    expect(await system.result(parked)).toMatchObject({ status: 'cancelled', started_at: null });
    expect(processesNaming(marker)).toEqual([]);
    expect(await system.llmCalls(parked)).toHaveLength(0);
  });
});

describe('the fleet', () => {
  it('[AR-14.2] does 16 tasks on 2 runners without interference', async () => {
    const remote = RemoteRepository.make(project);
    const tasks = Array.from({ length: 16 }, () => makeTask(remote));
    for (const task of tasks) await system.script(task, [answer('42')]);
    await Promise.all(tasks.map((task) => system.publish(task)));
    const results = await Promise.all(tasks.map((task) => system.result(task)));
    expect(results.map(({ status }) => status)).toEqual(tasks.map(() => 'done'));
    expect(tasks.map((task) => remote.commitsOn(branchOf(task)))).toEqual(tasks.map(() => 1));
    expect(new Set(results.map(({ runner_id }) => runner_id)).size).toBe(2);
  });

  it('[AR-1.1] parks a task until its dependency is done, and does the others meanwhile', async () => {
    const remote = RemoteRepository.make(project);
    const first = makeTask(remote);
    const second = makeTask(remote, { dependencies: [first.task_id] });
    const other = makeTask(remote);
    for (const task of [first, second, other]) await system.script(task, [answer('42')]);
    await system.publish(second);
    await system.publish(other);
    expect(await system.result(other)).toMatchObject({ status: 'done' });
    expect(await system.resultCount(second)).toBe(0);
    await system.publish(first);
    const results = [await system.result(first), await system.result(second)];
    expect(results.map(({ status }) => status)).toEqual(['done', 'done']);
  });

  it('[AR-1.5] knows a task that waits in a queue, and never starts it once it is cancelled', async () => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote);
    await system.script(task, [answer('42')]);
    const key = { specName: task.spec_name, taskId: task.task_id };
    // Nobody serves this queue.
    await system.publish(task, { queue: 'nobody' });
    const state = await eventually('the registry knows it', async () => (await system.task(key))?.state);
    expect(state).toBe('ready');
    system.connection.publish(subjects.cancel(key));
    expect(await system.result(task)).toMatchObject({ status: 'cancelled', started_at: null });
    await system.publish(task);
    await eventually('the duplicate is taken', async () =>
      (await system.waiting('default')) === 0 ? true : undefined,
    );
    expect(await system.llmCalls(task)).toHaveLength(0);
  });

  it('[AR-7.1] does the same task once, and refuses other content under its key', async () => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote);
    await system.script(task, [answer('42')]);
    await system.publish(task);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({ status: 'done' });
    await system.publish(task);
    await system.publish({ ...task, title: 'Something else' });
    await system.deadLetter(
      'the conflict',
      ({ code, body }) => code === 'key_conflict' && body.includes(`"${task.task_id}"`),
    );
    expect(await system.resultCount(task)).toBe(1);
    expect(await system.llmCalls(task)).toHaveLength(1);
    expect(remote.commitsOn(branchOf(task))).toBe(1);
  });

  it('[AR-7.1] starts the next run for corrected content after a failure', async () => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote, { budget: { max_rounds: 1 } });
    await system.script(task, [answer('43'), answer('42')]);
    await system.publish(task);
    expect(await system.result(task)).toMatchObject({ status: 'failed', run: 1 });
    await system.publish({ ...task, description: 'src/answer.txt must say 42, not 43.' });
    expect(await system.result(task, 2)).toMatchObject({ status: 'done', run: 2 });
    expect(remote.git('log', '-1', '--format=%(trailers:key=Run,valueonly)', branchOf(task)).trim()).toBe(
      '2',
    );
  });
});

describe('the trace', () => {
  it('[AR-12.3] is one from the publisher to all three services, with every stage under its parent', async () => {
    const remote = RemoteRepository.make(project);
    const task = makeTask(remote, { setup_commands: ['true'] });
    await system.script(task, [answer('42')]);
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    await system.publish(task, { traceparent: `00-${traceId}-b7ad6b7169203331-01` });
    expect(await system.result(task)).toMatchObject({ status: 'done', trace_id: traceId });

    const spans = () => system.traces.spans.filter((span) => span.traceId === traceId);
    const named = (name: string) => spans().find((span) => span.name === name);
    await eventually('the trace is complete', () =>
      named('task') && named('release_slot') ? true : undefined,
    );
    expect(named('task')?.parentSpanId).toBe('b7ad6b7169203331');
    const stages = [
      'claim',
      'lease_slot',
      'prepare_workspace',
      'setup',
      'propose_change',
      'apply_change',
      'run_tests',
      'decide_commit',
      'push',
      'upload_artifacts',
      'report',
      'release_slot',
    ];
    for (const stage of stages)
      expect([stage, named(stage)?.parentSpanId]).toEqual([stage, named('task')?.spanId]);
    const chat = spans().find((span) => span.name.startsWith('chat '));
    expect(chat?.parentSpanId).toBe(named('propose_change')?.spanId);
    expect(chat?.attributes).toHaveProperty(['gen_ai.usage.input_tokens']);
    const commands = spans().filter((span) => span.name === 'command');
    expect(commands.map((span) => span.parentSpanId).sort()).toEqual(
      [named('setup')?.spanId, named('run_tests')?.spanId].sort(),
    );
    const services = () => new Set(spans().map((span) => span.service));
    await eventually('the services’ spans are there', () => (services().size >= 4 ? true : undefined));
    expect([...services()].sort()).toEqual([
      'artifact-store-mock',
      'repo-pool-mock',
      'runner',
      'task-registry-mock',
    ]);
  });
});
