import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';
import { RunnerError } from '@necrocode/contracts';

/**
 * The user that a root runner's commands become. The kernel holds root to no limit of processes, and every
 * file of the system that only root may read would be theirs. They become it as the first thing inside the
 * sandbox: bubblewrap as that user could not show a work tree or a toolchain that lies below a directory of
 * root's own.
 */
export interface CommandUsers extends UserIds {
  /** Absolute path of `setpriv`. */
  readonly setpriv: string;
}

/** User numbers that nobody else uses. */
export interface UserIds {
  readonly firstId: number;
  readonly count: number;
}

const howMany = 65_536;
/** Between what systemd hands out and what the kernel reserves: "unused" in systemd's table of numbers. */
const defaultFirstId = 1_900_000_000;

/**
 * Numbers that this process can become.
 *
 * @param uidMap of `/proc/self/uid_map`: a container may know but a few numbers, of which the last are free
 */
export function freeUserIds(uidMap = readFileSync('/proc/self/uid_map', 'latin1')): UserIds {
  const ranges = uidMap
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .map(([first = 0, , count = 0]) => ({ first, count }));
  const has = ({ first, count }: { first: number; count: number }) =>
    first <= defaultFirstId && defaultFirstId + howMany <= first + count;
  if (ranges.some(has)) return { firstId: defaultFirstId, count: howMany };
  const last = ranges.reduce((best, range) => (range.count > best.count ? range : best), {
    first: 0,
    count: 0,
  });
  // Not `nobody` (65534) and its neighbours, which belong to many.
  return { firstId: last.first + last.count - 2_048, count: 1_024 };
}

/** The same one for all commands of a work tree, and for hardly any other work tree. */
export function userOf(workTree: string, { firstId, count }: UserIds): number {
  return firstId + (createHash('sha256').update(workTree).digest().readUInt32BE(0) % count);
}

/**
 * Hands a directory over to the user, once; who writes into it afterwards as root leaves what is written to
 * the directory's owner (libs/workspace does).
 *
 * @throws RunnerError workspace_failed
 */
export async function handOver(directory: string, userId: number): Promise<void> {
  try {
    if ((await stat(directory)).uid === userId) return;
    // A second time for what was written into a directory just before it was handed over.
    await changeOwner(directory, userId).catch(() => undefined);
    await changeOwner(directory, userId).catch(() => changeOwner(directory, userId));
  } catch (error) {
    throw new RunnerError('workspace_failed', 'the work tree cannot be handed over to the user of commands', {
      cause: error,
    });
  }
}

/** Fails where a file is renamed meanwhile. The directory itself comes last, so that cut-off work is done again. */
function changeOwner(directory: string, userId: number) {
  return promisify(execFile)('chown', ['-R', '-h', '-P', '--', `${userId}:${userId}`, directory]);
}

/** Arguments that make what follows an ordinary user for good. */
export function becomeUser(setpriv: string, userId: number): string[] {
  const id = String(userId);
  return [setpriv, '--reuid', id, '--regid', id, '--clear-groups', '--inh-caps=-all', '--no-new-privs', '--'];
}
