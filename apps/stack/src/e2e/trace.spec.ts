import { jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { subjects, type TaskResult } from '@necrocode/contracts';
import type { ReceivedSpan } from '@necrocode/telemetry';
import { eventually } from '@necrocode/testkit';
import { workspaceRoot } from '../workspace-root.js';
import { RemoteRepository } from './remote-repository.js';
import { startTestStack, type TaskDocument, type TestStack } from './test-stack.js';
import { isComplete, treeOf } from './trace-tree.js';

jest.setTimeout(180_000);

let system: TestStack;
let remote: RemoteRepository;
let count = 0;

beforeAll(async () => {
  system = await startTestStack(
    { runners: 2, maxParallel: 1 },
    { RUNNER_LEASE_SECONDS: '3', RUNNER_ACK_WAIT_SECONDS: '5', RUNNER_HEARTBEAT_SECONDS: '1' },
  );
  remote = RemoteRepository.make({ 'answer.txt': '41\n' });
});

afterAll(async () => {
  await system?.stop();
});

describe('the trace of a task', () => {
  it('[AR-12.3] tells of one that is done in one round, from its publisher on', async () => {
    const task = makeTask({ setup_commands: ['true'] });
    await system.script(task, [answer('42')]);
    await submit(task);
    const { trace_id: traceId } = await system.result(task);
    const spans = await trace(traceId);
    expect(treeOf(spans)).toBe(
      lines(
        'publish necrocode.tasks.default.normal @necro',
        ...under(
          'task',
          ...beginning,
          'setup',
          '  command',
          ...proposal,
          'apply_change',
          'run_tests',
          '  command',
          ...conclusion,
        ),
      ),
    );
    expect(named(spans, 'task')[0]).toMatchObject({
      failed: false,
      kind: 5,
      attributes: {
        'messaging.system': 'nats',
        'messaging.destination.name': 'necrocode.tasks.default.normal',
        'messaging.message.id': expect.stringContaining(keyOf(task)) as string,
        'necrocode.task.id': keyOf(task),
        'necrocode.run': 1,
        'necrocode.attempt': 1,
        'necrocode.queue': 'default',
        'necrocode.status': 'done',
        'necrocode.rounds': 1,
        'necrocode.llm.calls': 1,
        'necrocode.pushed': true,
        'necrocode.commit': remote.git('rev-parse', branchOf(task)),
        'necrocode.settlement': 'ack',
      },
      events: [
        { name: 'round_ended', attributes: { 'necrocode.round': 1, 'necrocode.round.outcome': 'passed' } },
      ],
      links: [],
    });
    expect(chats(spans)).toMatchObject([
      {
        attributes: {
          'gen_ai.operation.name': 'chat',
          'gen_ai.request.model': 'gpt-5.1',
          'gen_ai.usage.input_tokens': expect.any(Number) as number,
          'gen_ai.usage.output_tokens': expect.any(Number) as number,
          'necrocode.round': 1,
        },
      },
    ]);
    expectSameTask(spans, task, 1);
  });

  it('[AR-12.3] tells of two rounds, the first of which failed at its tests', async () => {
    const task = makeTask();
    await system.script(task, [answer('43'), answer('42')]);
    const { spans } = await run(task);
    expect(treeOf(spans)).toBe(
      lines(
        ...under(
          'task',
          ...beginning,
          ...proposal,
          'apply_change',
          'run_tests !tests_failed',
          '  command !command_failed',
          ...proposal,
          'apply_change',
          'run_tests',
          '  command',
          ...conclusion,
        ),
      ),
    );
    expect(named(spans, 'run_tests')).toMatchObject([
      {
        statusMessage: '"grep -q 42 answer.txt" ended with exit code 1',
        attributes: { 'necrocode.round': 1, 'necrocode.commands': 1, 'necrocode.commands.failed': 1 },
      },
      { attributes: { 'necrocode.round': 2, 'necrocode.commands': 1, 'necrocode.commands.failed': 0 } },
    ]);
    expect(named(spans, 'command').map(({ attributes }) => attributes['process.exit.code'])).toEqual([1, 0]);
    expect(named(spans, 'task')[0]?.events.map(({ attributes }) => attributes)).toEqual([
      { 'necrocode.round': 1, 'necrocode.round.outcome': 'tests_failed' },
      { 'necrocode.round': 2, 'necrocode.round.outcome': 'passed' },
    ]);
    expectSameTask(spans, task, 1);
  });

  it('[AR-12.3] tells of one that failed at its tests, with what is kept of it', async () => {
    const task = makeTask({ budget: { max_rounds: 1 } });
    await system.script(task, [answer('43')]);
    const { spans } = await run(task);
    expect(treeOf(spans)).toBe(
      lines(
        ...under(
          'task !tests_failed',
          ...beginning,
          ...proposal,
          'apply_change',
          'run_tests !tests_failed',
          '  command !command_failed',
          ...keeping,
        ),
      ),
    );
    expect(named(spans, 'task')[0]).toMatchObject({
      statusMessage: '"grep -q 42 answer.txt" ended with exit code 1',
      attributes: {
        'necrocode.status': 'failed',
        'necrocode.failed_stage': 'run_tests',
        'error.type': 'tests_failed',
        'necrocode.pushed': false,
      },
    });
  });

  it('[AR-16.5] tells of a rate limit that was waited out, as an event', async () => {
    const task = makeTask();
    await system.script(task, [{ fault: { status: 429, retry_after: 1 } }, answer('42')]);
    const { spans } = await run(task);
    const [, ...stored] = proposal.slice(1);
    expect(treeOf(spans)).toBe(
      lines(
        ...under(
          'task',
          ...beginning,
          'propose_change',
          '  chat gpt-5.1 !llm_rate_limited',
          '  chat gpt-5.1',
          ...stored,
          'apply_change',
          'run_tests',
          '  command',
          ...conclusion,
        ),
      ),
    );
    expect(named(spans, 'propose_change')[0]?.events).toMatchObject([
      {
        name: 'retry',
        attributes: {
          'retry.reason': 'llm_rate_limited',
          'retry.delay_ms': expect.any(Number) as number,
        },
      },
    ]);
  });

  it('[AR-8.2] of an attempt after a runner died points to the attempt before', async () => {
    const task = makeTask();
    await system.script(task, [{ ...answer('42'), delay_ms: 120_000 }]);
    const traceId = await publish(task);
    const claim = await eventually('the first claim is told and the model asked', async () => {
      const asked = (await system.llmCalls(task)).length > 0;
      return asked ? named(spansOf(traceId), 'claim')[0] : undefined;
    });
    await system.script(task, [answer('42')]);
    const name = String(claim.attributes['necrocode.runner.id']).replace(/-[0-9a-f]+$/, '');
    process.kill(system.runnerPid(name), 'SIGKILL');
    expect(await system.result(task)).toMatchObject({ status: 'done', attempt: 2, trace_id: traceId });
    const spans = await trace(traceId);
    const [second] = named(spans, 'task');
    const ofSecond = below(spans, second as ReceivedSpan);
    expect(treeOf(ofSecond)).toBe(
      lines(
        ...under(
          'task',
          ...beginning.slice(0, -baseCheckpoint.length),
          // The base is that of the first attempt, and answers that were paid for are looked for.
          ...store('ListArtifacts'),
          ...proposal,
          'apply_change',
          'run_tests',
          '  command',
          ...conclusion,
        ),
      ),
    );
    expect(second).toMatchObject({
      parentSpanId: publisherSpan,
      attributes: { 'necrocode.attempt': 2, 'necrocode.status': 'done' },
      links: [{ traceId, spanId: claim.spanId, attributes: { 'necrocode.attempt': 1 } }],
    });
    expectSameTask(ofSecond, task, 2);
  });

  it('[AR-1.5] tells of a cancelled one where it stopped', async () => {
    const task = makeTask({ test_commands: ['touch started; sleep 600'] });
    await system.script(task, [answer('42')]);
    const traceId = await publish(task);
    const key = { specName: task.spec_name, taskId: task.task_id };
    await eventually('the tests run', async () =>
      (await system.task(key))?.stage === 'run_tests' ? true : undefined,
    );
    system.connection.publish(subjects.cancel(key));
    expect(await system.result(task)).toMatchObject({ status: 'cancelled' });
    const spans = await trace(traceId);
    expect(treeOf(spans)).toBe(
      lines(
        ...under(
          'task',
          ...beginning,
          ...proposal,
          'apply_change',
          'run_tests !cancelled',
          '  command !cancelled',
          ...keeping,
        ),
      ),
    );
    expect(named(spans, 'task')[0]?.attributes).toMatchObject({ 'necrocode.status': 'cancelled' });
  });
});

/** A call and its end at the service. */
const rpc = (name: string, service: string) => [name, `  ${name} @${service}`];
const indented = (...below: readonly string[]) => below.map((line) => `  ${line}`);
const under = (parent: string, ...below: readonly string[]) => [parent, ...indented(...below)];
const lines = (...all: readonly string[]) => nested(all).join('\n');

const registry = (method: string) => rpc(`TaskRegistry/${method}`, 'task-registry-mock');
const pool = (method: string) => rpc(`RepoPool/${method}`, 'repo-pool-mock');
const store = (method: string) => rpc(`ArtifactStore/${method}`, 'artifact-store-mock');

const baseCheckpoint = indented(...registry('SaveCheckpoint'));
const beginning = [
  ...under('claim', ...registry('ClaimTask')),
  ...under('lease_slot', ...pool('Allocate')),
  'prepare_workspace',
  ...baseCheckpoint,
];
const proposal = under('propose_change', 'chat gpt-5.1', ...store('Upload'), ...registry('SaveCheckpoint'));
const keeping = [
  ...under('upload_artifacts', ...store('Upload')),
  ...under('report', ...registry('ReportResult')),
  ...under('release_slot', ...pool('Release')),
];
const conclusion = [
  ...under('decide_commit', ...store('Upload'), ...registry('DecideCommit')),
  'push',
  ...keeping,
];

/** Below the publisher's span, where that was received. */
function nested(all: readonly string[]): readonly string[] {
  const [first = '', ...rest] = all;
  return first.startsWith('publish ') ? [first, ...indented(...rest)] : all;
}

const publisherSpan = 'b7ad6b7169203331';
const keyOf = (task: TaskDocument) => `${task.spec_name}/${task.task_id}`;
const branchOf = (task: TaskDocument) => `feature/task-${task.spec_name}-${task.task_id}`;
const spansOf = (traceId: string) => system.traces.spans.filter((span) => span.traceId === traceId);
const named = (spans: readonly ReceivedSpan[], name: string) =>
  spans.filter((span) => span.name === name).toSorted((a, b) => a.startMs - b.startMs);
const chats = (spans: readonly ReceivedSpan[]) => spans.filter(({ name }) => name.startsWith('chat '));

function makeTask(more: Record<string, unknown> = {}): TaskDocument {
  count += 1;
  return {
    spec_name: 'trace',
    task_id: `${count}.0`,
    title: 'Correct the answer',
    description: 'answer.txt must say 42.',
    repo_url: remote.path,
    setup_commands: [],
    test_commands: ['grep -q 42 answer.txt'],
    ...more,
  };
}

function answer(text: string) {
  const change = { file_path: 'answer.txt', operation: 'modify', content: `${text}\n` };
  return { answer: { code_changes: [change] } };
}

/** As a user does, with the command line. */
async function submit(task: TaskDocument): Promise<void> {
  const { nats_url, task_registry, repo_pool, artifact_store } = system.stack.ready;
  const child = spawn(process.execPath, [join(workspaceRoot, 'apps/cli/bin/necro.js'), 'submit', '-'], {
    env: {
      ...process.env,
      ...system.traces.environment,
      OTEL_SERVICE_NAME: 'necro',
      NODE_NO_WARNINGS: '1',
      NATS_URL: nats_url,
      TASK_REGISTRY_URL: task_registry,
      REPO_POOL_URL: repo_pool,
      ARTIFACT_STORE_URL: artifact_store,
    },
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  const ended = once(child, 'exit');
  child.stdin.end(JSON.stringify(task));
  expect(await ended).toEqual([0, null]);
}

/** Publishes as a client with a trace of its own, whose span is not received here. Returns the trace's id. */
async function publish(task: TaskDocument): Promise<string> {
  const traceId = count.toString(16).padStart(32, 'a');
  await system.publish(task, { traceparent: `00-${traceId}-${publisherSpan}-01` });
  return traceId;
}

async function run(task: TaskDocument): Promise<{ result: TaskResult; spans: readonly ReceivedSpan[] }> {
  const traceId = await publish(task);
  const result = await system.result(task);
  return { result, spans: await trace(traceId) };
}

/** All of a trace, once the span of the attempt has come, which ends last. */
async function trace(traceId: string | null): Promise<readonly ReceivedSpan[]> {
  if (traceId === null) throw new Error('the result names no trace');
  return eventually('the trace is complete', () => {
    const spans = spansOf(traceId);
    return named(spans, 'task').length > 0 && isComplete(spans) ? spans : undefined;
  });
}

function below(spans: readonly ReceivedSpan[], top: ReceivedSpan): readonly ReceivedSpan[] {
  const children = spans.filter(({ parentSpanId }) => parentSpanId === top.spanId);
  return [top, ...children.flatMap((child) => below(spans, child))];
}

/** By which a task, an attempt and a stage are found, on every span that the runner makes itself. */
function expectSameTask(spans: readonly ReceivedSpan[], task: TaskDocument, attempt: number): void {
  const own = spans.filter(
    ({ service, name }) => service === 'runner' && !name.startsWith('grpc.') && name !== 'claim',
  );
  for (const { name, attributes } of own) {
    expect([name, attributes]).toEqual([
      name,
      expect.objectContaining({
        'necrocode.task.id': keyOf(task),
        'necrocode.attempt': attempt,
        'necrocode.runner.id': expect.stringMatching(/^runner-[12]-/) as string,
        ...(name !== 'task' && { 'necrocode.stage': expect.any(String) as string }),
      }),
    ]);
  }
}
