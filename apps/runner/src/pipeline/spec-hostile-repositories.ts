import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@necrocode/testkit';

type Content = string | Buffer;
/** A file, a link or a submodule of a tree, or a tree of its own; names are bytes, and nobody checks them. */
type Entry =
  | readonly [name: Content, mode: '100644' | '100664' | '120000', content: Content]
  | readonly [name: Content, mode: '160000', commit: string]
  | readonly [name: Content, mode: '40000', entries: readonly Entry[]];

export interface HostileRepository {
  readonly what: string;
  readonly entries: readonly Entry[];
  /** How a task ends that changes a.txt. */
  readonly end: 'done' | 'git_failed' | 'base_branch_missing' | 'change_refused';
  /** What HEAD of the remote says; main by default. */
  readonly head?: string;
}

const file = (name: Content, content: Content = 'x'): Entry => [name, '100644', content];
const link = (name: Content, target: string): Entry => [name, '120000', target];
const folder = (name: Content, ...entries: Entry[]): Entry => [name, '40000', entries];
const submodule = (name: string): Entry => [name, '160000', '1'.repeat(40)];
const nest = (depth: number, name: string): Entry =>
  depth === 0 ? file('end') : folder(name, nest(depth - 1, name));
const a = file('a.txt', 'a\n');

export const hostileRepositories: readonly HostileRepository[] = [
  {
    what: 'links out of the tree',
    entries: [a, link('l', '/etc/passwd'), link('m', '../../other/tree'), link('n', '/proc/self/environ')],
    end: 'done',
  },
  { what: 'a link in place of the file', entries: [link('a.txt', '../../../a.txt')], end: 'change_refused' },
  {
    what: 'a link in place of the root of the change',
    entries: [a, link('src', '../../other/tree/src')],
    end: 'done',
  },
  {
    what: 'a link with a target of 5,000 bytes',
    entries: [a, link('l', 'x'.repeat(5_000))],
    end: 'git_failed',
  },
  {
    what: 'a repository of its own',
    entries: [a, folder('.git', file('config', '[core]\nfsmonitor=x'))],
    end: 'git_failed',
  },
  {
    what: 'a hook',
    entries: [a, folder('.git', folder('hooks', file('post-checkout', '#!/bin/sh\n')))],
    end: 'git_failed',
  },
  { what: 'a repository in capitals', entries: [a, folder('.GIT', file('config'))], end: 'git_failed' },
  { what: 'a link called .git', entries: [a, link('.git', '../../other/git')], end: 'git_failed' },
  { what: 'a file called .git', entries: [a, file('.git', 'gitdir: ../../other/git\n')], end: 'git_failed' },
  {
    what: 'a .git file in a subtree',
    entries: [a, folder('sub', file('.git', 'gitdir: ../../../other/git\n'))],
    end: 'git_failed',
  },
  { what: 'a repository by its short name', entries: [a, folder('git~1', file('config'))], end: 'done' },
  { what: 'a repository with a joiner', entries: [a, folder('.g\u200cit', file('config'))], end: 'done' },
  { what: 'a folder called ..', entries: [a, folder('..', file('escaped'))], end: 'git_failed' },
  { what: 'a file called ..', entries: [a, file('..')], end: 'git_failed' },
  { what: 'a folder called .', entries: [a, folder('.', file('x'))], end: 'git_failed' },
  {
    what: 'a deep way out',
    entries: [a, folder('d', folder('..', folder('..', file('escaped'))))],
    end: 'git_failed',
  },
  {
    what: 'submodules',
    entries: [
      a,
      submodule('sub'),
      file('.gitmodules', '[submodule "s"]\npath=sub\nurl=ext::sh -c id\nupdate=!id\n'),
    ],
    end: 'done',
  },
  {
    what: 'a submodule with a way out',
    entries: [
      a,
      submodule('sub'),
      file('.gitmodules', '[submodule "../../x"]\npath=../../other\nurl=-u./x\n'),
    ],
    end: 'done',
  },
  {
    what: 'attributes with filters',
    entries: [
      a,
      file('.gitattributes', '* filter=lfs diff=x merge=x ident eol=crlf working-tree-encoding=UTF-16\n'),
    ],
    end: 'done',
  },
  { what: 'attributes as a link', entries: [a, link('.gitattributes', '/etc/passwd')], end: 'done' },
  { what: 'modules as a link', entries: [a, link('.gitmodules', '/etc/passwd')], end: 'git_failed' },
  {
    what: 'settings of tools',
    entries: [
      a,
      file('.gitconfig', '[core]\nfsmonitor=x'),
      file('.lfsconfig', '[lfs]\nurl=http://x'),
      file('.npmrc', 'x'),
      file('.mailmap', 'x'),
    ],
    end: 'done',
  },
  { what: 'an ignore file for everything', entries: [file('.gitignore', '*\n'), a], end: 'done' },
  {
    what: 'names that differ in case',
    entries: [file('A.TXT'), a, folder('Src', file('x')), folder('src', file('x'))],
    end: 'done',
  },
  { what: 'names in NFC and NFD', entries: [a, file('caf\u00e9'), file('cafe\u0301')], end: 'done' },
  {
    what: 'names with line feeds and tabs',
    entries: [a, file('x\ny'), file('x\ty'), file('100644 blob x\ta.txt\n')],
    end: 'done',
  },
  {
    what: 'names with quotes and backslashes',
    entries: [a, file('"q"'), file('x\\y'), file('$(id)'), file('`id`'), file('; id')],
    end: 'done',
  },
  {
    what: 'names that look like options',
    entries: [a, file('--help'), file('-rf'), file('--output=x')],
    end: 'done',
  },
  {
    what: 'names that are no UTF-8',
    entries: [a, file(Buffer.from([0xff, 0xfe])), folder(Buffer.from([0x64, 0xff]), file('x'))],
    end: 'done',
  },
  { what: 'names that turn around', entries: [a, file('x\u202etxt'), file('y\u2066')], end: 'done' },
  {
    what: 'names of devices',
    entries: [a, file('CON'), file('NUL'), file('aux.txt'), file('c:x')],
    end: 'done',
  },
  { what: 'a name of 255 bytes', entries: [a, file('x'.repeat(255))], end: 'done' },
  { what: 'a name of 256 bytes', entries: [a, file('x'.repeat(256))], end: 'git_failed' },
  { what: '60 folders', entries: [a, nest(60, 'd')], end: 'done' },
  { what: 'a path of 6,000 bytes', entries: [a, nest(60, 'd'.repeat(100))], end: 'git_failed' },
  { what: 'a file of 40 MiB', entries: [a, file('big', Buffer.alloc(40 * 1_048_576))], end: 'done' },
  { what: 'a file mode of old', entries: [a, ['b.txt', '100664', 'x']], end: 'done' },
  {
    what: 'a default branch that looks like an option',
    entries: [a],
    head: 'ref: refs/heads/--upload-pack=id\n',
    end: 'base_branch_missing',
  },
  {
    what: 'a default branch with a refspec',
    entries: [a],
    head: 'ref: refs/heads/main:refs/heads/x\n',
    end: 'base_branch_missing',
  },
  {
    what: 'a HEAD that leads out of the heads',
    entries: [a],
    head: 'ref: refs/tags/v1\n',
    end: 'base_branch_missing',
  },
];

/** Makes the repository on disk, byte by byte, and returns its path. */
export function makeHostile({ entries, head }: HostileRepository): string {
  const remote = tempDir('hostile-');
  git(remote, ['init', '--quiet', '--bare', '--initial-branch=main']);
  const commit = git(remote, ['commit-tree', '-m', 'base', treeOf(remote, entries)]);
  git(remote, ['update-ref', 'refs/heads/main', commit]);
  if (head !== undefined) writeFileSync(join(remote, 'HEAD'), head);
  return remote;
}

function treeOf(remote: string, entries: readonly Entry[]): string {
  const records = entries.map((entry) => {
    const [name, mode] = entry;
    const header = Buffer.concat([Buffer.from(`${mode} `), Buffer.from(name), Buffer.from([0])]);
    return Buffer.concat([header, Buffer.from(idOf(remote, entry), 'hex')]);
  });
  return object(remote, 'tree', Buffer.concat(records));
}

function idOf(remote: string, [, mode, content]: Entry): string {
  if (mode === '40000') return treeOf(remote, content);
  return mode === '160000' ? content : object(remote, 'blob', Buffer.from(content));
}

function object(remote: string, type: string, bytes: Buffer): string {
  return git(remote, ['hash-object', '-t', type, '-w', '--literally', '--stdin'], bytes);
}

function git(cwd: string, args: readonly string[], input?: Buffer): string {
  const who = { NAME: 'Spec', EMAIL: 'spec@necrocode.invalid' };
  const env = {
    PATH: process.env.PATH,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_AUTHOR_NAME: who.NAME,
    GIT_AUTHOR_EMAIL: who.EMAIL,
    GIT_COMMITTER_NAME: who.NAME,
    GIT_COMMITTER_EMAIL: who.EMAIL,
  };
  return execFileSync('git', args, { cwd, env, input: input ?? '', encoding: 'utf8' }).trim();
}
