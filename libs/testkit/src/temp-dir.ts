import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const created: string[] = [];
process.once('exit', () => created.forEach((path) => rmSync(path, { recursive: true, force: true })));

/** A new, empty folder that is deleted when the process ends. */
export function tempDir(prefix = 'necrocode-'): string {
  const path = mkdtempSync(join(tmpdir(), prefix));
  created.push(path);
  return path;
}
