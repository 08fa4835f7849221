import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { workspaceRoot } from '../workspace-root.js';
import { makeRemote } from './bench-task.js';
import { drawLines } from './draw-lines.js';
import {
  measureMemory,
  measurePoint,
  type MemoryResult,
  type Point,
  type PointResult,
} from './measure-point.js';
import { round } from './numbers.js';

/**
 * `npm run bench:parallel`: what more runners and more tasks in flight bring and cost, with a model that takes
 * its time. Says how each figure stands to the committed result (bench/parallel.json); `--save` makes this run
 * the committed one.
 */
const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '1x1,2x1,4x1,1x10,2x10,4x10,1x50,2x50,4x50,1x200' },
    'latency-ms': { type: 'string', default: '4000' },
    'memory-tasks': { type: 'string', default: '200' },
    save: { type: 'boolean', default: false },
  },
});

/** Every runner has several tasks one after the other, where that does not take minutes. */
const leastTasks = 32;

interface Report {
  readonly llm_latency_ms: number;
  readonly machine: { readonly cpus: number; readonly node: string; readonly load_before: number };
  readonly points: readonly PointResult[];
  readonly memory: MemoryResult | null;
}

const committed = join(workspaceRoot, 'bench/parallel.json');
const say = (text: string) => void process.stdout.write(`${text}\n`);
const work = mkdtempSync(join(tmpdir(), 'necrocode-bench-'));

try {
  await bench();
} finally {
  rmSync(work, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const before = readReport();
  const ground = { work, remote: makeRemote(work, 100), llmLatencyMs: Number(values['latency-ms']) };
  const machine = {
    cpus: availableParallelism(),
    node: process.version,
    load_before: round(loadavg()[0] ?? NaN),
  };
  say(
    `Model answers after ${ground.llmLatencyMs} ms; ${machine.cpus} CPUs, load ${machine.load_before} before the start.`,
  );
  say('In brackets: the ratio to the committed result.\n');
  const points: PointResult[] = [];
  for (const point of readPoints(values.points)) {
    const tasks = Math.max(leastTasks, point.runners * point.inFlight);
    const result = await measurePoint(ground, point, tasks);
    points.push(result);
    sayPoint(result, points, before);
  }
  const waiting = Number(values['memory-tasks']);
  const memory = waiting > 0 ? await measureMemory(ground, waiting) : null;
  if (memory) {
    const known = ratio(memory.mb_per_task, before?.memory?.mb_per_task);
    say(
      `\n${memory.tasks_waiting} tasks waiting for the model: ${memory.mb_per_task} MB each${known} (idle ${memory.idle_mb} MB, then ${memory.waiting_mb} MB)`,
    );
  }
  writeReport({ llm_latency_ms: ground.llmLatencyMs, machine, points, memory });
}

function readPoints(text: string): Point[] {
  return text.split(',').map((one) => {
    const [, runners, inFlight] = /^(\d+)x(\d+)$/.exec(one.trim()) ?? [];
    if (runners === undefined) throw new Error(`--points: "${one}" is not RUNNERSxTASKS, such as 4x50`);
    return { runners: Number(runners), inFlight: Number(inFlight) };
  });
}

function sayPoint(result: PointResult, sofar: readonly PointResult[], before: Report | undefined): void {
  const same = (other: PointResult) =>
    other.runners === result.runners && other.in_flight_per_runner === result.in_flight_per_runner;
  const old = before?.points.find(same);
  const one = sofar.find(
    (other) => other.runners === 1 && other.in_flight_per_runner === result.in_flight_per_runner,
  );
  const gain =
    one && result.runners > 1
      ? `, ${round(result.tasks_per_second / one.tasks_per_second)} × one runner`
      : '';
  const { runners, services } = result.cpu_ms_per_task;
  say(
    `${result.runners} runners × ${result.in_flight_per_runner} in flight, ${result.tasks} tasks, at most ${result.tasks_of_busiest_runner} by one runner`,
  );
  say(`  ${result.tasks_per_second} tasks/s${ratio(result.tasks_per_second, old?.tasks_per_second)}${gain}`);
  say(
    `  waiting ${result.queue_wait_ms.median} ms (median), ${result.queue_wait_ms.longest} ms (longest)${ratio(result.queue_wait_ms.median, old?.queue_wait_ms.median)}`,
  );
  say(
    `  CPU per task ${runners} ms runner${ratio(runners, old?.cpu_ms_per_task.runners)}, ${services} ms services`,
  );
  say(
    `  a runner's memory at most ${result.peak_runner_mb} MB${ratio(result.peak_runner_mb, old?.peak_runner_mb)}`,
  );
}

function ratio(value: number, old: number | undefined): string {
  return old ? ` [${round(value / old)}]` : '';
}

function readReport(): Report | undefined {
  return existsSync(committed) ? (JSON.parse(readFileSync(committed, 'utf8')) as Report) : undefined;
}

function writeReport(report: Report): void {
  const file = values.save ? committed : join(workspaceRoot, 'bench/out/parallel.json');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`);
  writeFileSync(file.replace(/json$/, 'svg'), chartOf(report));
  say(`\n${file} and the chart beside it`);
}

function chartOf({ points, llm_latency_ms: latency }: Report): string {
  const runners = [...new Set(points.map((point) => point.runners))].sort((a, b) => a - b);
  const seriesOf = (y: (point: PointResult) => number) =>
    runners.map((count) => ({
      name: count === 1 ? '1 runner' : `${count} runners`,
      points: points
        .filter((point) => point.runners === count)
        .map((point) => ({ x: point.in_flight_per_runner, y: y(point) })),
    }));
  const xLabel = `tasks in flight per runner (the model answers after ${latency / 1000} s)`;
  return drawLines([
    {
      title: 'Throughput',
      yLabel: 'tasks per second',
      xLabel,
      series: seriesOf((point) => point.tasks_per_second),
    },
    {
      title: 'CPU per task',
      yLabel: 'ms, runners with git and sandbox',
      xLabel,
      series: seriesOf((point) => point.cpu_ms_per_task.runners),
    },
    {
      title: 'Memory',
      yLabel: 'MB, the largest of a runner',
      xLabel,
      series: seriesOf((point) => point.peak_runner_mb),
    },
  ]);
}
