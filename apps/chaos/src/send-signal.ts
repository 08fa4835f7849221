/** To a process that may have died already, with its successor not there yet: then nothing happens. */
export function sendSignal(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(pid, signal);
  } catch {
    // It has died.
  }
}
