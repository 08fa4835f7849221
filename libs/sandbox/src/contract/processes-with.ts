import { readdir, readFile } from 'node:fs/promises';

/** Living processes in whose command line or environment the marker stands, as `pid: command line`. */
export async function processesWith(marker: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [line, environment] = await Promise.all(
        ['cmdline', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8').catch(() => '')),
      );
      const holds = [line, environment].some((text) => text?.includes(marker));
      return holds ? [`${pid}: ${line?.replaceAll('\0', ' ')}`] : [];
    }),
  );
  return found.flat();
}
