import { closeSync, readdirSync, readFileSync } from 'node:fs';

/**
 * Closes what the process was given beside its standard streams and would hand on to every command: a lock
 * file of the script that started it, say, or a directory, by which a command leaves its sandbox. To be
 * called first thing at the start, by programs that start commands.
 */
export function closeInheritedDescriptors(): void {
  if (process.platform !== 'linux') return;
  const channel = Number(process.env.NODE_CHANNEL_FD ?? NaN);
  for (const descriptor of readdirSync('/proc/self/fd').map(Number)) {
    if (descriptor <= 2 || descriptor === channel || closesOnExec(descriptor)) continue;
    try {
      closeSync(descriptor);
    } catch {
      // The one by which the list was read.
    }
  }
}

const closeOnExec = 0o2000000;

function closesOnExec(descriptor: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1'))?.[1];
    return flags === undefined || (parseInt(flags, 8) & closeOnExec) !== 0;
  } catch {
    return true;
  }
}
