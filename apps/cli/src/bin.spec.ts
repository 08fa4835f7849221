import { execFile } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { tempDir } from '@necrocode/testkit';

const bin = resolve(import.meta.dirname, '../bin/necro.js');

interface Ended {
  readonly exitCode: number | null;
  readonly stderr: string;
}

function start(path: string, words: readonly string[]): Promise<Ended> {
  return new Promise((done) => {
    const child = execFile(process.execPath, [path, ...words], (_error, _stdout, stderr) =>
      done({ exitCode: child.exitCode, stderr }),
    );
  });
}

describe('bin/necro.js', () => {
  it('[AR-1.2] says in one line that it must be built first', async () => {
    const unbuilt = join(tempDir(), 'bin/necro.js');
    cpSync(dirname(bin), dirname(unbuilt), { recursive: true });
    expect(await start(unbuilt, ['--version'])).toEqual({
      exitCode: 1,
      stderr: 'necro is not built yet: run npm run build first\n',
    });
  });

  it('[AR-1.2] can be started as it is committed', () => {
    expect(readFileSync(bin, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  });
});
