import { execFile } from 'node:child_process';
import { chownSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { tempDir } from '@necrocode/testkit';

const run = promisify(execFile);
const project = resolve(import.meta.dirname, '../..');
const checkout = resolve(project, '../..');
/** `nobody`: a user that every system has. */
const userId = 65_534;

/**
 * Runs a test file once more in a Jest of its own, as an ordinary user; this process is root's. That user
 * sees checkout, Node and a temporary directory in a place of its own, as they may lie where only root gets.
 */
export async function runAsUser(file: string): Promise<{ readonly status: number; readonly output: string }> {
  const temporary = tempDir('as-user-');
  chownSync(temporary, userId, userId);
  const [seen, node, work] = ['/mnt/checkout', '/mnt/node', '/mnt/work'];
  const inProject = (path: string) => join(seen, relative(checkout, path));
  const jest = [
    `${node}/node`,
    '--experimental-vm-modules',
    `${seen}/node_modules/jest/bin/jest.js`,
    ...['-c', `${seen}/jest.config.mjs`, '--rootDir', inProject(project)],
    ...['--cacheDirectory', `${work}/cache`, '--runTestsByPath', inProject(file)],
  ];
  const binds = [checkout, seen, dirname(process.execPath), node, temporary, work];
  const path = [node, '/usr/local/bin', '/usr/bin', '/bin', '/usr/sbin', '/sbin'].join(':');
  const env = { PATH: path, HOME: work, TMPDIR: work, CI: '1' };
  const args = ['--mount', 'sh', '-ec', enter, String(userId), ...binds, inProject(project), ...jest];
  try {
    const { stderr } = await run('unshare', args, { env, maxBuffer: 64 * 1_048_576 });
    return { status: 0, output: stderr };
  } catch (error) {
    const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
    return { status: typeof code === 'number' ? code : 1, output: stdout + stderr };
  }
}

/** Shows three directories below /mnt, in a mount namespace that ends with the command. */
const enter = `
  mount -t tmpfs -o mode=755 none /mnt
  for _ in 1 2 3; do mkdir "$2"; mount --rbind "$1" "$2"; shift 2; done
  cd "$1"; shift
  exec setpriv --reuid "$0" --regid "$0" --clear-groups "$@"`;
