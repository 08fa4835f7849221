import { execFile } from 'node:child_process';
import { chown, stat } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);
/** Programs of the system, which find nothing else of the environment. */
const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' };

/**
 * Copies a file or a directory with all that is below, links as links; a copy of its own on every file
 * system, shared blocks where the file system can. The target must not exist, or be an empty directory.
 */
export async function copy(source: string, target: string, signal: AbortSignal): Promise<void> {
  await run('cp', ['-a', '--reflink=auto', '-T', '--', source, target], { env: environment, signal });
}

/** Bytes on disk and number of files of paths with all that is below them. */
export async function sizeOf(
  paths: readonly string[],
  signal: AbortSignal,
): Promise<{ bytes: number; files: number }> {
  const total = async (flags: readonly string[]) => {
    const { stdout } = await run('du', [...flags, '-sc', '--', ...paths], { env: environment, signal });
    return Number(/(\d+)\ttotal\n$/.exec(stdout)?.[1] ?? Infinity);
  };
  if (paths.length === 0) return { bytes: 0, files: 0 };
  return { bytes: await total(['--block-size=1']), files: await total(['--inodes']) };
}

/** What was copied belongs to whom the directory that it stands in belongs to: commands may run as another user. */
export async function giveTo(path: string, owner: string, signal: AbortSignal): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const [{ uid, gid }, now] = await Promise.all([stat(owner), stat(path)]);
  if (uid === now.uid && gid === now.gid) return;
  await chown(path, uid, gid);
  await run('chown', ['-hR', `${uid}:${gid}`, '--', path], { env: environment, signal });
}

/** Waits until what was written to the file system of a path is on disk. */
export async function settleOnDisk(path: string): Promise<void> {
  await run('sync', ['-f', path], { env: environment });
}
