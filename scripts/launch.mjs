// `npm run demo`, `stack`, `bench`, `chaos`, `eval`: builds what has changed, then runs the program in this process, so that
// its pid is the one that the user sees.
import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = resolve(import.meta.dirname, '..');
const [program, ...args] = process.argv.slice(2);
const programs = {
  demo: 'apps/stack/dist/demo.js',
  stack: 'apps/stack/dist/stack.js',
  bench: 'apps/stack/dist/bench/overhead.js',
  'bench-parallel': 'apps/stack/dist/bench/parallel.js',
  chaos: 'apps/chaos/dist/main.js',
  eval: 'apps/runner/dist/eval/main.js',
  'make-corpus': 'apps/runner/dist/eval/make-corpus.js',
};

const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
  console.error(
    `necrocode needs Node 24, this is ${process.version}. On Linux "npm ci" brings it along; elsewhere install it from https://nodejs.org.`,
  );
  process.exit(1);
}

console.error('necrocode: building what has changed (the first time takes half a minute) …');
const nx = join(root, 'node_modules/nx/dist/bin/nx.js');
const build = spawnSync(
  process.execPath,
  [nx, 'run-many', '-t', 'build', '--output-style=stream-without-prefixes'],
  {
    cwd: root,
    env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  },
);
if (build.status !== 0) {
  process.stderr.write(`${build.stdout}${build.stderr}\nnecrocode: the build failed (see above)\n`);
  process.exit(1);
}

process.argv = [process.execPath, program, ...args];
await import(pathToFileURL(join(root, programs[program])).href);
