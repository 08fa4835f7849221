import { jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@necrocode/testkit';
import { BaseTree } from './base-tree.js';
import { ChangedTree } from './changed-tree.js';
import { SpecRepository } from './spec-repository.js';
import { writeChanges } from './write-changes.js';

jest.setTimeout(600_000);

const attempts = 20_000;
const lanes = 4;

/** Swaps the folder `d` and a link to elsewhere as fast as it can, and repairs what writers undo. */
const racer = `
const fs = require('node:fs');
const [tree, outside] = process.argv.slice(1);
process.chdir(tree);
const renamed = (from, to) => { try { fs.renameSync(from, to); return true; } catch { return false; } };
const remove = (path) => fs.rmSync(path, { recursive: true, force: true });
const isFolder = (path) => fs.lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
process.stdout.write('racing');
for (;;) {
  if (renamed('d', 'real') && renamed('link', 'd') && renamed('d', 'link') && renamed('real', 'd')) continue;
  // A writer has made a folder where one was missing: that one stays.
  try {
    if (isFolder('link')) remove('link');
    if (!isFolder('d')) { remove('d'); if (!renamed('real', 'd')) fs.mkdirSync('d'); }
    remove('real');
    if (!fs.lstatSync('link', { throwIfNoEntry: false })) fs.symlinkSync(outside, 'link');
  } catch {}
}`;

interface Scene {
  readonly tree: string;
  readonly outside: string;
}

/** Runs `work` beside the racing process. */
async function racing<T>(tree: string, work: (scene: Scene) => Promise<T>): Promise<T> {
  const outside = tempDir('outside-');
  mkdirSync(join(tree, 'd'), { recursive: true });
  symlinkSync(outside, join(tree, 'link'));
  const process_ = spawn(process.execPath, ['-e', racer, tree, outside], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    await once(process_.stdout, 'data');
    return await work({ tree, outside });
  } finally {
    process_.kill('SIGKILL');
    await once(process_, 'exit');
  }
}

/** "Resolve, then write": looks where the folder leads, and writes when that is inside. */
function resolveThenWrite({ tree, outside }: Scene): number {
  let tries = 0;
  do {
    for (let index = 0; index < attempts; index += 1, tries += 1) {
      try {
        if (!realpathSync(join(tree, 'd')).startsWith(`${tree}/`)) continue;
        writeFileSync(join(tree, 'd', `f${tries}`), 'written');
      } catch {
        // The folder was away at this moment.
      }
    }
    // On a machine where the two never met, it goes on until they have.
  } while (readdirSync(outside).length === 0 && tries < 20 * attempts);
  return tries;
}

type Ended = 'written' | 'obstructed' | 'failed';

async function writeByHandles(scene: Scene, view: ChangedTree): Promise<Record<Ended, number>> {
  const ended: Record<Ended, number> = { written: 0, obstructed: 0, failed: 0 };
  const lane = async (first: number) => {
    for (let index = first; index < attempts; index += lanes) {
      const entry = { kind: 'blob', mode: '100644', bytes: Buffer.from('written') } as const;
      const after = view.with(new Map([[`d/f${index}`, entry]]), view.history);
      const outcome = await writeChanges(scene.tree, view, after).catch(() => ({ kind: 'failed' }) as const);
      ended[outcome.kind] += 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, first) => lane(first)));
  return ended;
}

it('[AR-10.4] no write leaves the work tree while another process swaps its folders for links', async () => {
  await using repository = await SpecRepository.create();
  const [commit = ''] = await repository.record([[{ path: 'a', content: '1' }]]);
  const view = ChangedTree.of(await BaseTree.load(repository.git, commit));

  const naive = await racing(realpathSync(tempDir('naive-')), (scene) =>
    Promise.resolve({ tries: resolveThenWrite(scene), escapes: readdirSync(scene.outside).length }),
  );
  const ours = await racing(repository.workTree, async (scene) => ({
    ...(await writeByHandles(scene, view)),
    escapes: readdirSync(scene.outside).length,
  }));
  console.table({
    'resolve, then write': { attempts: naive.tries, escapes: naive.escapes },
    'directory handles': { attempts, ...ours },
  });
  expect(ours.escapes).toBe(0);
  expect(ours.written).toBeGreaterThan(0);
  // The two have met: links were seen in the folder's place.
  expect(ours.obstructed).toBeGreaterThan(0);
  expect(naive.escapes).toBeGreaterThan(0);
});
