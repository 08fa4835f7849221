import { jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@necrocode/testkit';
import { parse as parseYaml } from 'yaml';
import { workspaceRoot } from '../workspace-root.js';
import { namesInScrape, namesOf } from './promql-names.js';
import { RemoteRepository } from './remote-repository.js';
import { startTestStack, type TaskDocument, type TestStack } from './test-stack.js';

jest.setTimeout(180_000);

const observability = join(workspaceRoot, 'deploy/observability');

let system: TestStack;
let remote: RemoteRepository;

/** A fleet that has seen what dashboards and alerts tell of. */
beforeAll(async () => {
  system = await startTestStack(
    { runners: 1, maxParallel: 2 },
    {
      RUNNER_LEASE_SECONDS: '2',
      RUNNER_ACK_WAIT_SECONDS: '5',
      RUNNER_HEARTBEAT_SECONDS: '1',
      // Spans come when they are flushed, not before.
      OTEL_BSP_SCHEDULE_DELAY: '600000',
    },
  );
  remote = RemoteRepository.make({ 'answer.txt': '41\n' });
  const killed = makeTask('killed');
  await system.script(killed, [{ ...answer, delay_ms: 120_000 }]);
  await system.publish(killed);
  await eventually('the model is asked', async () =>
    (await system.llmCalls(killed)).length > 0 ? true : undefined,
  );
  await system.script(killed, [answer]);
  process.kill(system.runnerPid('runner-1'), 'SIGKILL');
  await system.result(killed);
  const retried = makeTask('retried');
  await system.script(retried, [{ fault: { status: 500 } }, answer]);
  await system.publish(retried);
  await system.result(retried);
  await system.publish(makeTask('unserved'), { queue: 'nobody', priority: 'low' });
  await system.publish('no task at all');
  await system.deadLetter('the dead letter', () => true);
});

afterAll(async () => {
  await system?.stop();
});

describe('the spans of a task', () => {
  it('[AR-12.3] are sent before its message is acknowledged', async () => {
    const task = makeTask('flushed');
    await system.script(task, [answer]);
    await system.publish(task);
    const { trace_id: traceId } = await system.result(task);
    await eventually('the message is acknowledged', async () =>
      (await system.waiting('default')) === 0 ? true : undefined,
    );
    const received = system.traces.spans.filter((span) => span.traceId === traceId);
    expect(received.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['task', 'claim', 'release_slot']),
    );
  });
});

describe('the metrics of the fleet', () => {
  it('[AR-12.3] of the registry: tasks, queues, runners, dead letters, expired leases', async () => {
    const unserved = 'necrocode_queue="nobody",necrocode_priority="low"';
    await eventually('the task in the queue is known', async () =>
      (await value('task-registry-mock', 'necrocode_registry_queue_depth', unserved)) ? true : undefined,
    );
    const registry = (name: string, labels?: string) =>
      value('task-registry-mock', `necrocode_registry_${name}`, labels);
    expect(await registry('queue_depth', unserved)).toBe(1);
    expect(await registry('queue_oldest_age', unserved)).toBeGreaterThan(0);
    expect(await registry('queue_depth', 'necrocode_queue="default",necrocode_priority="normal"')).toBe(0);
    expect(await registry('queue_runners', 'necrocode_queue="nobody"')).toBe(0);
    expect(await registry('queue_runners', 'necrocode_queue="default"')).toBeGreaterThan(0);
    expect(await registry('tasks', 'necrocode_task_state="done"')).toBe(3);
    expect(await registry('tasks', 'necrocode_task_state="ready"')).toBe(1);
    expect(await registry('dead_letters')).toBe(1);
    expect(await registry('leases_expired_total')).toBeGreaterThanOrEqual(1);
    expect(await registry('runners', 'necrocode_sandbox="full"')).toBeGreaterThan(0);
  });

  it('[AR-12.3] of the pool: slots, time to lend one, expired leases', async () => {
    const pool = (name: string, labels?: string) => value('repo-pool-mock', `necrocode_pool_${name}`, labels);
    await eventually('all slots are back', async () =>
      (await pool('slots', 'necrocode_slot_state="allocated"')) === 0 ? true : undefined,
    );
    expect(await pool('allocation_duration_count')).toBeGreaterThanOrEqual(3);
    expect(await pool('leases_expired_total')).toBeGreaterThanOrEqual(1);
  });

  it('[AR-12.3] of the artifact store: artifacts and bytes', async () => {
    const diffs = 'necrocode_artifact_type="diff"';
    expect(await value('artifact-store-mock', 'necrocode_store_artifacts', diffs)).toBe(3);
    expect(await value('artifact-store-mock', 'necrocode_store_size', diffs)).toBeGreaterThan(0);
  });

  it('[AR-12.3] of a runner: attempts, waiting, sandbox, calls by their method', async () => {
    expect(await value('runner', 'necrocode_tasks_total', 'necrocode_status="done"')).toBe(3);
    expect(await value('runner', 'necrocode_task_queue_wait_count')).toBe(3);
    expect(await value('runner', 'necrocode_sandbox_level')).toBe(3);
    expect(await value('runner', 'necrocode_tasks_limit')).toBe(2);
    const claims =
      'rpc_method="necrocode.task_registry.v1.TaskRegistryService/ClaimTask",rpc_response_status_code="OK"';
    expect(await value('runner', 'rpc_client_call_duration_count', claims)).toBeGreaterThanOrEqual(2);
  });

  it('[AR-12.3] have every name that dashboard and alerts ask for', async () => {
    const scrapes = await Promise.all(
      ['task-registry-mock', 'repo-pool-mock', 'artifact-store-mock', 'runner'].map(scrape),
    );
    const known = namesInScrape(scrapes.join('\n'));
    // What Prometheus itself adds.
    known.set('up', new Set());
    const added = ['job', 'instance'];
    const expressions = [...expressionsOfAlerts(), ...expressionsOfDashboard()];
    expect(expressions.length).toBeGreaterThan(30);
    for (const expression of expressions) {
      const { metrics, labels } = namesOf(expression);
      expect([expression, metrics.length > 0, metrics.filter((name) => !known.has(name))]).toEqual([
        expression,
        true,
        [],
      ]);
      const given = new Set([...added, ...metrics.flatMap((name) => [...(known.get(name) ?? [])])]);
      expect([expression, labels.filter((label) => !given.has(label))]).toEqual([expression, []]);
    }
  });
});

const answer = {
  answer: { code_changes: [{ file_path: 'answer.txt', operation: 'modify', content: '42\n' }] },
};

function makeTask(id: string): TaskDocument {
  return {
    spec_name: 'metrics',
    task_id: id,
    title: 'Correct the answer',
    description: 'answer.txt must say 42.',
    repo_url: remote.path,
    setup_commands: [],
    test_commands: ['grep -q 42 answer.txt'],
  };
}

/** What a process says of itself. */
async function scrape(name: string): Promise<string> {
  const { metrics, runners } = system.stack.ready;
  const url = metrics[name] ?? `${runners[0]?.http}/metrics`;
  const response = await fetch(url);
  expect(response.status).toBe(200);
  return response.text();
}

/** The value of a series; undefined where there is none. */
async function value(process: string, metric: string, labels = ''): Promise<number | undefined> {
  const lines = (await scrape(process)).split('\n');
  const wanted = lines.find((line) => line.startsWith(`${metric}{`) && line.includes(labels));
  return wanted === undefined ? undefined : Number(wanted.slice(wanted.lastIndexOf(' ')));
}

function expressionsOfAlerts(): string[] {
  const text = readFileSync(join(observability, 'prometheus/alerts.yml'), 'utf8');
  const { groups } = parseYaml(text) as { groups: { rules: { expr: string }[] }[] };
  return groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
}

function expressionsOfDashboard(): string[] {
  const text = readFileSync(join(observability, 'grafana/dashboards/fleet.json'), 'utf8');
  const { panels } = JSON.parse(text) as { panels: { targets?: { expr: string }[] }[] };
  return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
}
