import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { RunnerError } from '@necrocode/contracts';

export interface StartedProcess {
  readonly child: ChildProcess;
  /** Who ends everything: the first process of a PID namespace, or nobody but the group's members. */
  readonly ending: 'bubblewrap' | 'unshare' | 'group';
  /** Ends everything and waits for it, instead of signals to the group. */
  readonly endAll?: () => Promise<void>;
  /** What bubblewrap said on its status descriptor. */
  readonly status: () => string;
}

/** How long a command without a PID namespace may take to end itself. */
const graceMs = 1_000;
/** How long output is waited for after the end, where a process that escaped still holds it. */
const lingerMs = 2_000;

/** Ends a command and what it started. With a PID namespace the kernel does that, without it signals do. */
export function endProcesses(running: StartedProcess): void {
  const { child, ending, endAll } = running;
  if (endAll) {
    // Done again, and waited for, once the command itself has ended.
    endAll().catch(() => undefined);
    return;
  }
  if (ending === 'group') {
    signalGroup(child, 'SIGTERM');
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), graceMs);
    child.once('exit', () => clearTimeout(timer));
    return;
  }
  // When the first process of a namespace dies, its parent is told only after all others are gone.
  const first = firstProcess(running);
  // Before bubblewrap has told of it, it still is in the group, and waits for a parent that is killed here.
  if (first === undefined || !signal(first, 'SIGKILL')) signalGroup(child, 'SIGKILL');
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Resolves when the process has ended, its output is read, and nothing that it started is left. */
export async function waitUntilGone(running: StartedProcess): Promise<Exit> {
  const { child, ending, endAll } = running;
  const closed = once(child, 'close');
  try {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  } catch (error) {
    closed.catch(() => undefined);
    throw new RunnerError('sandbox_unavailable', 'the command could not be started', { cause: error });
  }
  if (endAll) await endAll();
  else if (ending === 'group') signalGroup(child, 'SIGKILL');
  else await waitForNamespace(running);
  const timer = setTimeout(() => {
    // 'close' waits for every one of them.
    for (const stream of child.stdio) stream?.destroy();
  }, lingerMs);
  await closed;
  clearTimeout(timer);
  return { code: child.exitCode, signal: child.signalCode };
}

/**
 * The process above all others of the command, by its number on the host: the first one of its PID
 * namespace, where it has one.
 */
export function firstProcess({ child, ending, status }: StartedProcess): number | undefined {
  if (ending === 'group') return child.pid;
  const told = /"child-pid":\s*(\d+)/.exec(status())?.[1];
  if (told !== undefined) return Number(told);
  if (ending !== 'unshare' || child.pid === undefined) return undefined;
  try {
    const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'latin1').trim();
    return /^\d+$/.test(children) ? Number(children) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * bubblewrap ends with the command, and its namespace right after it; until the first process of the
 * namespace is gone, others may still be there.
 */
async function waitForNamespace(running: StartedProcess): Promise<void> {
  const first = firstProcess(running);
  if (first === undefined) return;
  signal(first, 'SIGKILL');
  for (let waited = 0; waited < lingerMs && isAlive(first); waited += 1) await delay(1);
}

function isAlive(pid: number): boolean {
  try {
    const state = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.[0];
    return state !== undefined && !'ZX'.includes(state);
  } catch {
    return false;
  }
}

function signalGroup(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid !== undefined) signal(-child.pid, name);
}

/** False when there is nothing to signal any more. */
function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}
