import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A range of user ids that nothing else on the machine uses; a user's group has the same number. */
export interface IdentityRange {
  readonly first: number;
  readonly count: number;
}

/** Lends user ids, the longest unused one first, so that leftovers of one meet no later task soon. */
export class Identities {
  private readonly lent = new Set<number>();
  private next: number;

  constructor(private readonly range: IdentityRange) {
    this.next = randomInt(range.count);
  }

  /** Undefined when all are lent. */
  lend(): number | undefined {
    for (let tried = 0; tried < this.range.count; tried += 1) {
      const id = this.range.first + this.next;
      this.next = (this.next + 1) % this.range.count;
      if (this.lent.has(id)) continue;
      this.lent.add(id);
      return id;
    }
    return undefined;
  }

  giveBack(id: number): void {
    this.lent.delete(id);
  }
}

/** For the kernel to end processes; more than it ever needs. */
const lingerMs = 5_000;

/**
 * Ends every process of a user, as that user itself: `kill -9 -1` reaches whatever left its group or
 * session, and a fork in between is ended as well. Resolves when none is left.
 */
export async function endProcessesOf(id: number): Promise<void> {
  const deadline = Date.now() + lingerMs;
  do {
    await runAs(id, id, 'kill -9 -1 2>/dev/null; exit 0');
    for (let looks = 0; looks < 50; looks += 1) {
      if (!(await hasProcesses(id))) return;
      await delay(2);
    }
  } while (Date.now() < deadline);
  throw new Error(`processes of the user ${id} do not end`);
}

/** Runs a script of our own as another user. */
export async function runAs(uid: number, gid: number, script: string, ...args: string[]): Promise<void> {
  await run('/bin/sh', ['-c', script, 'sh', ...args], { uid, gid, cwd: '/', env: { PATH: systemPath } });
}

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

async function hasProcesses(id: number): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const statuses = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/status`, 'latin1').catch(() => '')),
  );
  return statuses.some(
    (status) => new RegExp(`^Uid:\\t${id}\\t`, 'm').test(status) && !/^State:\t[ZX]/m.test(status),
  );
}
