import { jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { tempDir } from './temp-dir.js';

// Each runs Jest in a process of its own.
jest.setTimeout(60_000);

const root = resolve(import.meta.dirname, '../../..');

interface Ended {
  readonly code: number | null;
  readonly said: string;
  /** Of the temporary directory of the run. */
  readonly left: readonly string[];
}

/** Runs the tests of a project that holds this one spec. */
function runJest(spec: string): Promise<Ended> {
  const project = tempDir();
  const temporary = tempDir();
  mkdirSync(join(project, 'src'));
  symlinkSync(join(root, 'node_modules'), join(project, 'node_modules'));
  writeFileSync(join(project, 'src/only.spec.ts'), spec);
  const bin = join(root, 'node_modules/jest/bin/jest.js');
  const words = ['--experimental-vm-modules', bin, '-c', join(root, 'jest.config.mjs'), '--rootDir', project];
  const env = { ...process.env, TMPDIR: temporary };
  return new Promise((done) => {
    const child = execFile(process.execPath, words, { env }, (_error, stdout, stderr) =>
      done({
        code: child.exitCode,
        said: stdout + stderr,
        // Jest's own cache stays.
        left: readdirSync(temporary).filter((name) => !/^jest_/.test(name)),
      }),
    );
  });
}

describe('the tests of a project', () => {
  it('[AR-10.3] fail when they leave something behind, and say what', async () => {
    const { code, said, left } = await runJest(`
      import { mkdtempSync } from 'node:fs';
      import { tmpdir } from 'node:os';
      it('passes', () => void mkdtempSync(tmpdir() + '/forgotten-'));
    `);
    expect(said).toContain('1 passed');
    expect(said).toMatch(/left 1 temporary files or directories behind: forgotten-/);
    expect(code).toBe(1);
    expect(left).toEqual([]);
  });

  it('[AR-10.3] have what tempDir made until their last hook, and it is gone afterwards', async () => {
    const note = join(tempDir(), 'note');
    const { code, said, left } = await runJest(`
      import { existsSync, writeFileSync } from 'node:fs';
      import { tempDir } from ${JSON.stringify(join(import.meta.dirname, 'temp-dir.ts'))};
      let path;
      afterAll(() => existsSync(path) && writeFileSync(${JSON.stringify(note)}, path));
      it('passes', () => {
        path = tempDir();
        writeFileSync(path + '/file', '');
      });
    `);
    expect(said).toContain('1 passed');
    expect({ code, left }).toEqual({ code: 0, left: [] });
    expect(existsSync(note)).toBe(true);
  });
});
