#!/usr/bin/env node
// Plain JavaScript that old versions of Node can read as well: it is what tells their users to upgrade.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);

if (Number(process.versions.node.split('.')[0]) < 24) {
  stop(`necro needs Node 24 or newer; this is ${process.version}`);
} else if (!existsSync(main)) {
  stop('necro is not built yet: run npm run build first');
} else {
  await import(main.href);
}

function stop(line) {
  process.stderr.write(`${line}\n`);
  process.exitCode = 1;
}
