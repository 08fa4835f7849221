import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { taskResultSchema, type Task } from '@necrocode/contracts';
import { connectNats, publishTask, type NatsConnection } from '@necrocode/messaging';
import { startOtlpReceiver, type ReceivedSpan } from '@necrocode/telemetry';
import { plainGit, plainGitEnvironment } from '../plain-git.js';
import { startStack } from '../start-stack.js';
import { workspaceRoot } from '../workspace-root.js';
import { benchMask } from './bench-mask.js';
import { measureSandboxCost, type SandboxCost } from './bench-sandbox.js';
import { makeRemote, taskFor, writeLlmScript } from './bench-task.js';
import { drawBars } from './draw-bars.js';
import { median, round, spread } from './numbers.js';

/**
 * `npm run bench`: what the runner itself costs per task, everything but the model and the commands, as a
 * ratio to the same git operations done by a plain script on the same machine in the same minute.
 */
const { values } = parseArgs({
  options: { tasks: { type: 'string', default: '30' }, files: { type: 'string', default: '100' } },
});

const warmUp = 5;
/** No model answers at once; meanwhile the pool warms the next slot, as it does in real use. */
const llmLatencyMs = 1_000;
const measured = Number(values.tasks);
const work = mkdtempSync(join(tmpdir(), 'necrocode-bench-'));
const say = (text: string) => void process.stdout.write(`${text}\n`);

try {
  await bench();
  benchMask(say);
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const sandbox = await measureSandboxCost(join(work, 'commands'));
  const remote = makeRemote(work, Number(values.files));
  const receiver = await startOtlpReceiver();
  const stack = await startStack(
    {
      runners: 1,
      maxParallel: 1,
      dataDir: join(work, 'stack'),
      llmScript: writeLlmScript(work),
      environment: {
        ...receiver.environment,
        OTEL_BSP_SCHEDULE_DELAY: '200',
        LOG_LEVEL: 'warn',
        LLM_LATENCY_MS: String(llmLatencyMs),
      },
    },
    () => undefined,
  );
  const connection = await connectNats({ url: stack.ready.nats_url, name: 'bench' });
  const floor: number[] = [];
  const overhead: number[] = [];
  const stages = new Map<string, number[]>();
  try {
    // One after the other, in turn, so that both meet the same machine.
    for (let number = 1; number <= warmUp + measured; number += 1) {
      const plain = plainScript(remote, number);
      const spans = await oneTask(connection, receiver.spans, taskFor(remote, number));
      if (number <= warmUp) continue;
      floor.push(plain);
      overhead.push(ownTime(spans, 'task'));
      for (const { name } of spans.filter((span) => span.parentSpanId === spanNamed(spans, 'task').spanId)) {
        stages.set(name, [...(stages.get(name) ?? []), ownTime(spans, name)]);
      }
    }
  } finally {
    await connection.close();
    await stack.stop();
    await receiver.close();
  }
  report(floor, overhead, stages, sandbox);
}

/** The floor, in milliseconds: apply, add, diff, commit, push in a directory that is warm. */
function plainScript(remote: string, number: number): number {
  const clone = join(work, `plain-${number}`);
  plainGit(work, 'clone', '--quiet', remote, clone);
  const commands = [
    'echo "changed by the script" > file-1.txt',
    'git add --all',
    'git diff --cached > ../plain.diff',
    'git commit --quiet --message="a change"',
    `git push --quiet origin HEAD:refs/heads/plain-${number}`,
  ];
  const started = performance.now();
  execFileSync('sh', ['-ec', commands.join('\n')], {
    cwd: clone,
    env: { ...process.env, ...plainGitEnvironment },
    stdio: 'pipe',
  });
  const milliseconds = performance.now() - started;
  rmSync(clone, { recursive: true, force: true });
  return milliseconds;
}

async function oneTask(
  connection: NatsConnection,
  received: readonly ReceivedSpan[],
  task: Task,
): Promise<readonly ReceivedSpan[]> {
  const results = connection.subscribe(`necrocode.results.${task.spec_name}.${task.task_id}`, { max: 1 });
  await publishTask(connection, task, { queue: 'default', priority: 'normal' });
  for await (const message of results) {
    const result = taskResultSchema.parse(message.json());
    if (result.status !== 'done') throw new Error(`the task failed: ${JSON.stringify(result.error)}`);
    // The span of the whole task ends last, and is sent with the next batch.
    for (;;) {
      const spans = received.filter((span) => span.traceId === result.trace_id && span.service === 'runner');
      if (spans.some((span) => span.name === 'task')) return spans;
      await pause(50);
    }
  }
  throw new Error('the connection ended before the result');
}

/** Milliseconds of a span without what the model and the commands took inside it. */
function ownTime(spans: readonly ReceivedSpan[], name: string): number {
  const span = spanNamed(spans, name);
  const foreign = spans.filter(
    (other) =>
      (other.name.startsWith('chat ') || other.name === 'command') &&
      other.startMs >= span.startMs &&
      other.endMs <= span.endMs,
  );
  return durationOf(span) - foreign.reduce((sum, other) => sum + durationOf(other), 0);
}

function report(
  floor: readonly number[],
  overhead: readonly number[],
  stages: ReadonlyMap<string, number[]>,
  sandbox: SandboxCost,
): void {
  const ratios = overhead.map((value, index) => value / (floor[index] ?? NaN));
  const byStage = [...stages].map(([stage, times]) => ({ stage, median_ms: round(median(times)) }));
  const summary = {
    tasks: overhead.length,
    floor_ms: spread(floor),
    overhead_ms: spread(overhead),
    ratio: spread(ratios),
    stages: byStage,
    sandbox,
  };
  say(
    `Runner's own time per task against a plain script with the same git operations, ${overhead.length} tasks\n`,
  );
  say(`  plain script  ${summary.floor_ms.median} ms (${summary.floor_ms.min} to ${summary.floor_ms.max})`);
  say(
    `  runner        ${summary.overhead_ms.median} ms (${summary.overhead_ms.min} to ${summary.overhead_ms.max})`,
  );
  say(`  ratio         ${summary.ratio.median} (median of the pairs)\n`);
  say(
    drawBars(
      byStage.map(({ stage, median_ms }) => ({ label: stage, value: median_ms })),
      'ms',
    ),
  );
  say(`\nStart of a command in the sandbox (${sandbox.detail})\n`);
  say(`  plain spawn   ${sandbox.plain_ms} ms (median of ${sandbox.commands})`);
  say(`  sandboxed     ${sandbox.sandboxed_ms} ms`);
  say(`  more          ${sandbox.more_ms} ms (the bar: 10 ms)`);
  const file = join(workspaceRoot, 'bench/out/overhead.json');
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `${JSON.stringify(summary, null, 2)}\n`);
  say(`\n${JSON.stringify(summary)}`);
}

function spanNamed(spans: readonly ReceivedSpan[], name: string): ReceivedSpan {
  const span = spans.find((one) => one.name === name);
  if (!span) throw new Error(`the trace has no span ${name}`);
  return span;
}

function durationOf(span: ReceivedSpan): number {
  return span.endMs - span.startMs;
}
