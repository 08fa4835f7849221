import { renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { checkHealth } from '@necrocode/rpc';
import { planStack, type StackOptions, type StackPlan } from './plan-stack.js';
import { SupervisedProcess, type ProcessPlan } from './supervised-process.js';

export type { StackOptions };

/** The line that tells how to reach a stack. */
export interface ReadyLine {
  readonly ready: true;
  readonly pid: number;
  readonly nats_url: string;
  readonly task_registry: string;
  readonly repo_pool: string;
  readonly artifact_store: string;
  readonly llm_base_url: string;
  readonly data_dir: string;
  readonly runners: readonly { readonly id: string; readonly pid: number; readonly http: string }[];
  readonly pids: Readonly<Record<string, number>>;
  /** Where the services serve their metrics; a runner does below its `http`. */
  readonly metrics: Readonly<Record<string, string>>;
}

export interface RunningStack {
  readonly ready: ReadyLine;
  /** Ends runners, services and NATS, in that order. A second call ends everything at once. */
  stop(): Promise<void>;
}

const startDeadlineMs = 90_000;
/** Longer than a runner's own grace period. */
const runnerGraceMs = 90_000;
const serviceGraceMs = 10_000;

/**
 * Starts everything as processes and resolves when all of it answers.
 *
 * @param tell is given the log lines of all processes, for standard error
 * @throws when a tool is missing or a process does not answer in time; nothing is left running
 */
export async function startStack(options: StackOptions, tell: (line: string) => void): Promise<RunningStack> {
  const plan = await planStack(options, (line) => tell(`stack: ${line}`));
  const supervised: SupervisedProcess[] = [];
  const writePids = () => writeAtomically(join(options.dataDir, 'pids.json'), pidsOf(plan, supervised));
  const launch = (process: ProcessPlan) => {
    const onLine = (name: string, line: string) => tell(line.startsWith('{') ? line : `${name}: ${line}`);
    const started = new SupervisedProcess(process, { onLine, onChange: writePids });
    supervised.push(started);
    started.start();
    return started;
  };
  const natsProcess = plan.nats && launch(plan.nats);
  const serviceProcesses = plan.services.map(launch);
  const runnerProcesses = plan.runners.map(({ plan: runner }) => launch(runner));

  let stopping: Promise<void> | undefined;
  const stopInOrder = async () => {
    await Promise.all(runnerProcesses.map((runner) => runner.stop(runnerGraceMs)));
    await Promise.all(serviceProcesses.map((service) => service.stop(serviceGraceMs)));
    await natsProcess?.stop(serviceGraceMs);
  };
  const stop = () => {
    if (stopping) supervised.forEach((process) => process.killGroup());
    return (stopping ??= stopInOrder());
  };
  try {
    await waitUntilReady(plan);
  } catch (error) {
    supervised.forEach((process) => process.killGroup());
    throw error;
  }
  const ready = readyLine(plan, supervised, options.dataDir);
  writeAtomically(join(options.dataDir, 'stack.json'), ready);
  return { ready, stop };
}

async function waitUntilReady({ addresses, nats, runners }: StackPlan): Promise<void> {
  const { task_registry, repo_pool, artifact_store } = addresses;
  if (nats) await until('nats', () => portAnswers(new URL(addresses.nats_url)));
  for (const [name, address] of Object.entries({ task_registry, repo_pool, artifact_store })) {
    await until(name, async () => (await checkHealth(address, 1_000)) === undefined);
  }
  for (const { id, http } of runners) await until(`runner ${id}`, () => answersReady(http));
}

async function until(what: string, probe: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + startDeadlineMs;
  while (!(await probe())) {
    if (Date.now() > end) throw new Error(`${what} did not become ready within ${startDeadlineMs / 1000} s`);
    await pause(50);
  }
}

function portAnswers(url: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(Number(url.port), url.hostname);
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true)).once('error', () => end(false));
  });
}

async function answersReady(http: string): Promise<boolean> {
  const response = await fetch(`${http}/health/ready`).catch(() => undefined);
  await response?.body?.cancel();
  return response?.status === 200;
}

interface Pids extends Record<string, unknown> {
  readonly runners: readonly { readonly id: string; readonly pid: number }[];
}

function pidsOf(plan: StackPlan, supervised: readonly SupervisedProcess[]): Pids {
  const pidOf = (process: ProcessPlan) => supervised.find((one) => one.plan === process)?.pid;
  const others = [...(plan.nats ? [plan.nats] : []), ...plan.services];
  const pids = Object.fromEntries(others.flatMap((one) => (pidOf(one) ? [[one.name, pidOf(one)]] : [])));
  const runners = plan.runners.flatMap(({ id, plan: runner }) => {
    const pid = pidOf(runner);
    return pid === undefined ? [] : [{ id, pid }];
  });
  return { ...pids, runners };
}

function readyLine(plan: StackPlan, supervised: readonly SupervisedProcess[], dataDir: string): ReadyLine {
  const { runners, ...services } = pidsOf(plan, supervised);
  const pids = services as Record<string, number>;
  const httpOf = (id: string) => plan.runners.find((runner) => runner.id === id)?.http ?? '';
  return {
    ready: true,
    pid: process.pid,
    ...plan.addresses,
    data_dir: dataDir,
    runners: runners.map(({ id, pid }) => ({ id, pid, http: httpOf(id) })),
    pids,
    metrics: plan.metrics,
  };
}

function writeAtomically(file: string, document: unknown): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(document)}\n`);
  renameSync(temporary, file);
}
