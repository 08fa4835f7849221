import { createHash } from 'node:crypto';
import {
  type Stats,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@necrocode/testkit';

/** For specs: a host with more on it than the workspace of one task, and a look at whether all of it is untouched. */
export class Surroundings {
  readonly root = tempDir('surroundings-');
  readonly home = join(this.root, 'home');
  private readonly ownSlots = join(this.root, 'slots/own-');

  constructor() {
    const files = {
      'home/.bashrc': 'alias ls=ls\n',
      'home/.ssh/authorized_keys': 'ssh-ed25519 AAAA somebody\n',
      'home/.gitconfig': '[user]\n\tname = Somebody\n',
      'home/.npmrc': 'registry=https://registry.example\n',
      'slots/other/tree/src/a.ts': 'the work of another task\n',
      'slots/other/git/config': '[core]\n\tbare = false\n',
      'slots/other/git/hooks/pre-push': '#!/bin/sh\n',
      'slots/own/tree/a.txt': 'a slot whose name begins like that of this one\n',
      'runner/spool/1.json': '{}\n',
      'runner/credentials/token': 'git-token\n',
      'etc/passwd': 'root:x:0:0\n',
      'a.txt': 'at the root\n',
    };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(join(this.root, path, '..'), { recursive: true });
      writeFileSync(join(this.root, path), text);
    }
    symlinkSync(join(this.root, 'home'), join(this.root, 'link'));
  }

  /** Where the slot of a task may be made: the only place that may change. */
  slot(number: number): string {
    return `${this.ownSlots}${number}`;
  }

  /** Kind, mode, times and bytes of everything but the own slots, one line each. */
  look(): string[] {
    return look(this.root, this.ownSlots, true);
  }

  /** Kind, mode and bytes of everything in the work tree of a slot. */
  lookIntoTree(slot: string): string[] {
    return look(join(slot, 'tree'), undefined, false);
  }
}

function look(path: string, except: string | undefined, times: boolean): string[] {
  if (except && path.startsWith(except)) return [];
  const stats = lstatSync(path);
  const children = stats.isDirectory() ? readdirSync(path).sort() : [];
  const facts = [stats.mode.toString(8), ...(times ? [stats.uid, stats.mtimeMs, stats.ino] : [])];
  // Making a slot changes the folder that holds it.
  const holdsSlots = except?.startsWith(`${path}/`) ?? false;
  const line = [path, ...facts, contentOf(path, stats)].join(' ');
  return [
    ...(holdsSlots ? [] : [line]),
    ...children.flatMap((name) => look(join(path, name), except, times)),
  ];
}

function contentOf(path: string, stats: Stats): string {
  if (stats.isSymbolicLink()) return readlinkSync(path);
  return stats.isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
}
