import { readdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

/** Made by tools that keep them on purpose: caches of Node (npm turns it on). */
const allowed = [/^node-compile-cache$/];
const mostNamed = 20;

/** Removes the directory of `private-tmp.mjs`, and fails the run when the tests have left something in it. */
export default function expectNothingLeft() {
  const directory = process.env.TMPDIR;
  const left = readdirSync(directory).filter((name) => !allowed.some((pattern) => pattern.test(name)));
  rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  process.env.TMPDIR = dirname(directory);
  if (left.length === 0) return;
  const more = left.length > mostNamed ? `, and ${left.length - mostNamed} more` : '';
  throw new Error(
    `the tests left ${left.length} temporary files or directories behind: ${left.slice(0, mostNamed).join(', ')}${more}; ` +
      'make them with tempDir of @necrocode/testkit, which removes them, or remove them where they are made',
  );
}
