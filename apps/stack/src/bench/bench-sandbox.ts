import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createSandbox } from '@necrocode/sandbox';
import { median, round } from './numbers.js';

/** What it costs to start a command in the sandbox instead of plainly: medians, in milliseconds. */
export interface SandboxCost {
  readonly detail: string;
  readonly commands: number;
  readonly plain_ms: number;
  readonly sandboxed_ms: number;
  readonly more_ms: number;
}

const warmUp = 20;
const measured = 200;
/** As a runner sets them, so that every part of the sandbox is at work. */
const limits = {
  memoryMb: 4_096,
  cpuSeconds: 3_600,
  processes: 4_096,
  fileSizeMb: 4_096,
  diskMb: 10_240,
  temporaryMb: 1_024,
  openFiles: 16_384,
  outputBytes: 200_000_000,
};

/** Starts `true` in turn in both ways, so that both meet the same machine. */
export async function measureSandboxCost(workTree: string): Promise<SandboxCost> {
  mkdirSync(workTree);
  const sandbox = await createSandbox({ allowLowered: true });
  const [plain, sandboxed]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < warmUp + measured; turn += 1) {
    const started = performance.now();
    await startPlainly(workTree);
    const between = performance.now();
    await sandbox.runCommand('true', { workTree, network: false, timeoutMs: 60_000, limits });
    if (turn < warmUp) continue;
    plain.push(between - started);
    sandboxed.push(performance.now() - between);
  }
  const [plainMs, sandboxedMs] = [median(plain), median(sandboxed)];
  return {
    detail: `level ${sandbox.level}: ${sandbox.detail}`,
    commands: measured,
    plain_ms: round(plainMs),
    sandboxed_ms: round(sandboxedMs),
    more_ms: round(sandboxedMs - plainMs),
  };
}

async function startPlainly(cwd: string): Promise<void> {
  const child = spawn('sh', ['-c', 'true'], { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.resume();
  child.stderr.resume();
  await once(child, 'close');
}
