import { readFileSync } from 'node:fs';

/** Linux tells times in hundredths of a second, whatever its own clock does. */
const ticksPerSecond = 100;

/** CPU time of one process, in seconds. */
export interface CpuTime {
  /** With its number the identity of a process: numbers are used again. */
  readonly startedAt: string;
  readonly own: number;
  /** With that of the descendants which it has waited for. */
  readonly withChildren: number;
}

/** Undefined for a process that is not there. */
export function readCpuTime(pid: number): CpuTime | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // After the name, which may hold anything: state is field 3, user time 14, start time 22 (proc(5)).
    const fields = stat.slice(stat.lastIndexOf(') ') + 2).split(' ');
    const seconds = (from: number, to: number) =>
      fields.slice(from, to).reduce((sum, field) => sum + Number(field), 0) / ticksPerSecond;
    return { startedAt: fields[19] ?? '', own: seconds(11, 13), withChildren: seconds(11, 15) };
  } catch {
    return undefined;
  }
}

/**
 * Adds up the CPU time of a command from what is seen of its processes: what they have waited for, or what
 * each was last seen with, whichever is more. The second remembers children that nobody waits for, whose time
 * Linux forgets; neither counts anything twice.
 */
export class CpuTimes {
  private readonly alive = new Map<number, CpuTime>();
  private ended = 0;

  /** @returns seconds, never more than were used */
  add(times: ReadonlyMap<number, CpuTime>): number {
    for (const [pid, last] of this.alive) {
      // A process that changes its parent just now may be missing from one look.
      const now = times.get(pid) ?? readCpuTime(pid);
      if (now?.startedAt === last.startedAt) continue;
      this.ended += last.own;
      this.alive.delete(pid);
    }
    for (const [pid, time] of times) this.alive.set(pid, time);
    const own = [...this.alive.values()].reduce((sum, time) => sum + time.own, this.ended);
    const waitedFor = [...times.values()].reduce((sum, { withChildren }) => sum + withChildren, 0);
    return Math.max(own, waitedFor);
  }
}
