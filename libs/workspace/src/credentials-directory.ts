import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';

/** The longest a task may take; a directory of another host that is older belongs to nobody. */
const longestUseMs = 86_400_000;

/**
 * Makes the directory in which this process keeps the credentials of its tasks, for its own user alone, and
 * removes those that processes left which are gone: what was killed could not tidy up.
 *
 * @param parent shared by the processes of one installation, also over hosts
 * @returns the directory; each process has the same one for its whole life
 */
export function openCredentialsDirectory(parent: string): string {
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(parent)) {
    if (isAbandoned(parent, name)) rmSync(join(parent, name), { recursive: true, force: true });
  }
  const own = join(resolve(parent), `${ownHost()}@${process.pid}@${startOf(process.pid) ?? '0'}`);
  mkdirSync(own, { recursive: true, mode: 0o700 });
  return own;
}

function isAbandoned(parent: string, name: string): boolean {
  const [host, pid, start] = name.split('@');
  if (host === ownHost()) return startOf(Number(pid)) !== start;
  const age = Date.now() - (statSync(join(parent, name), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return age > longestUseMs;
}

function ownHost(): string {
  return hostname().replace(/[^A-Za-z0-9.-]/g, '-');
}

/** When a process began, in ticks since the machine did: with the id, it is no other process. Undefined when there is none. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name of the program, in parentheses, may hold anything.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}
