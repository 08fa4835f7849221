import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Gives a project's tests, and whatever they start, a temporary directory of their own; `nothing-left.mjs` looks at it. */
export default function makePrivateTmp() {
  process.env.TMPDIR = mkdtempSync(join(tmpdir(), 'necrocode-test-'));
}
