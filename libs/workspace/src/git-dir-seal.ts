import { randomBytes } from 'node:crypto';
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { join } from 'node:path';
import { RunnerError } from '@necrocode/contracts';
import { exactBytesAttributes, gitConfig } from './git-dir-config.js';

/** What decides over git besides its configuration; wherever these are, they stay as they were. */
const kept = ['commondir', 'gitdir', 'objects/info/alternates'] as const;
/** What a slot never has: git would read orders, or other repositories, out of them. */
const absent = [
  'config.worktree',
  'info/grafts',
  'info/sparse-checkout',
  'info/exclude',
  'objects/info/http-alternates',
  'hooks',
  'remotes',
  'branches',
  'modules',
  'worktrees',
] as const;

const openFolder = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** A FIFO in place of a file must not make anybody wait. */
const openFile = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * Keeps a git dir what it was before untrusted commands ran: at levels below `full` they may reach it, and the
 * next git would do what they wrote there. Taken when the slot is fresh; `restore` before every use of git.
 *
 * Synchronous, since it is some twenty system calls on files that are in the cache.
 */
export class GitDirSeal {
  private constructor(
    private readonly gitDir: string,
    private readonly contents: ReadonlyMap<string, Buffer | undefined>,
  ) {}

  /** @throws RunnerError workspace_failed when there is no git dir */
  static take(gitDir: string): GitDirSeal {
    return inGitDir(gitDir, (at) => {
      const config = read(at('config'))?.toString('utf8') ?? '';
      const format = /^\s*objectformat\s*=\s*sha256\s*$/im.test(config) ? 'sha256' : 'sha1';
      return new GitDirSeal(
        gitDir,
        new Map<string, Buffer | undefined>([
          ['config', Buffer.from(gitConfig(format))],
          ['info/attributes', Buffer.from(exactBytesAttributes)],
          ...kept.map((name) => [name, read(at(name))] as const),
          ...absent.map((name) => [name, undefined] as const),
        ]),
      );
    });
  }

  /** Rewrites what is not as it has to be. Follows no link. Throws `workspace_failed`. */
  restore(): void {
    inGitDir(this.gitDir, (at) => {
      for (const [name, wanted] of this.contents) put(at(name), wanted);
    });
  }
}

/** Files are addressed through a handle, so that nothing put in place of the git dir or its folders is entered. */
function inGitDir<T>(gitDir: string, work: (at: (name: string) => string) => T): T {
  const handles = new Map<string, number>();
  const open = (folder: string, path: string) => {
    const known = handles.get(folder);
    if (known !== undefined) return known;
    const handle = openSync(path, openFolder);
    handles.set(folder, handle);
    return handle;
  };
  try {
    const root = `/proc/self/fd/${open('', gitDir)}`;
    return work((name) => {
      let folder = root;
      const segments = name.split('/');
      for (const [depth, segment] of segments.slice(0, -1).entries()) {
        const path = join(folder, segment);
        if (!lstat(path)?.isDirectory()) return join(folder, 'absent', name);
        folder = `/proc/self/fd/${open(segments.slice(0, depth + 1).join('/'), path)}`;
      }
      return join(folder, segments.at(-1) ?? '');
    });
  } catch (error) {
    throw new RunnerError('workspace_failed', 'the git dir of the workspace cannot be used', {
      cause: error,
    });
  } finally {
    for (const handle of handles.values()) closeSync(handle);
  }
}

function put(path: string, wanted: Buffer | undefined): void {
  const stats = lstat(path);
  if (wanted === undefined) {
    if (stats) rmSync(path, { recursive: true, force: true });
    return;
  }
  if (stats?.isFile() && stats.nlink === 1 && read(path)?.equals(wanted)) return;
  if (stats?.isDirectory()) rmSync(path, { recursive: true, force: true });
  const aside = `${path}.${randomBytes(8).toString('hex')}`;
  writeFileSync(aside, wanted, { flag: 'wx', mode: 0o600 });
  renameSync(aside, path);
}

function lstat(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

function read(path: string): Buffer | undefined {
  if (!lstat(path)?.isFile()) return undefined;
  const handle = openSync(path, openFile);
  try {
    return readFileSync(handle);
  } finally {
    closeSync(handle);
  }
}
