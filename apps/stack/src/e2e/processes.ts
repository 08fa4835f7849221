import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadyLine } from '../start-stack.js';

/**
 * Processes that belong to a task: they name the marker or a slot in their command line, their
 * environment or as their directory, whatever they are called and whoever their parent is.
 */
export function processesOf(marker: string, stack: Pick<ReadyLine, 'data_dir'>): string[] {
  const slots = join(stack.data_dir, 'repo-pool-mock/slots');
  return readdirSync('/proc')
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ');
        const all = [
          line,
          readFileSync(`/proc/${pid}/environ`, 'utf8'),
          readlinkSync(`/proc/${pid}/cwd`),
        ].join();
        return all.includes(marker) || all.includes(slots) ? [`${pid} ${line}`] : [];
      } catch {
        return []; // It has ended meanwhile.
      }
    });
}
