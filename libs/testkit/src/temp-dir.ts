import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Jest's environment (jest/environment.mjs) finds what it has to remove after a test file. */
const place = Symbol.for('necrocode.temporary-directories');
const made = ((globalThis as { [place]?: string[] })[place] ??= []);
// Outside of Jest; the `process` that a test file sees never exits.
process.once('exit', () => made.forEach((path) => rmSync(path, { recursive: true, force: true })));

/** A new, empty folder that is deleted after the test file that asked for it, after its last hook. */
export function tempDir(prefix = 'necrocode-'): string {
  const path = mkdtempSync(join(tmpdir(), prefix));
  made.push(path);
  return path;
}
