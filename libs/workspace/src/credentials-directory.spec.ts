import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { tempDir } from '@necrocode/testkit';
import { openCredentialsDirectory } from './credentials-directory.js';

/** As another process of this installation names its directory. */
function leave(parent: string, name: string): string {
  const directory = join(parent, name);
  mkdirSync(directory);
  writeFileSync(join(directory, 'token'), 'secret');
  return directory;
}

describe('openCredentialsDirectory', () => {
  it('[AR-10.3] removes what killed processes left, and nothing of those that live', async () => {
    const parent = join(tempDir('credentials-'), 'credentials');
    const own = openCredentialsDirectory(parent);
    const [host = '', pid = '', start = ''] = basename(own).split('@');
    const { pid: dead } = spawnSync('true');
    const living = spawn('sleep', ['600']);
    try {
      const stays = leave(parent, `${host}@${process.ppid}@${startOf(process.ppid)}`);
      const gone = [
        leave(parent, `${host}@${dead}@${start}`),
        // The id is in use again, by a younger process.
        leave(parent, `${host}@${living.pid}@1`),
        leave(parent, `${host}@${pid}@1`),
        leave(parent, 'something'),
      ];
      const abroad = leave(parent, 'elsewhere@1@1');
      const old = leave(parent, 'elsewhere@2@1');
      utimesSync(old, 0, 0);
      utimesSync(join(parent, 'something'), 0, 0);
      expect(openCredentialsDirectory(parent)).toBe(own);
      expect([...gone, old].filter((path) => existsSync(path))).toEqual([]);
      expect(readdirSync(parent).sort()).toEqual([own, stays, abroad].map((path) => basename(path)).sort());
      expect(statSync(own).mode & 0o777).toBe(0o700);
    } finally {
      living.kill('SIGKILL');
      await once(living, 'exit');
    }
  });
});

function startOf(pid: number): string {
  const { stdout } = spawnSync('cut', ['-d)', '-f2-', `/proc/${pid}/stat`], { encoding: 'utf8' });
  return stdout.trim().split(' ')[19] ?? '';
}
