import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import {
  chmod,
  lstat,
  mkdir,
  open,
  readdir,
  rename,
  rm,
  rmdir,
  unlink,
  type FileHandle,
} from 'node:fs/promises';

type Name = string | Buffer;

const openDirectory = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Linux O_PATH, which Node does not name: a handle to a directory that may not be readable. */
const openPath = 0o10000000 | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * An open directory. Its children are reached through the handle (`/proc/self/fd/N/child`), so that
 * no rename or symbolic link made in the meantime can lead anywhere else.
 */
export class DirectoryHandle implements AsyncDisposable {
  private constructor(private readonly handle: FileHandle) {}

  static async open(path: string): Promise<DirectoryHandle> {
    return new DirectoryHandle(await open(path, openDirectory));
  }

  /** The address of a child through this handle; valid while the handle is open. */
  at(name: Name): Buffer {
    return Buffer.concat([Buffer.from(`/proc/self/fd/${this.handle.fd}/`), Buffer.from(name)]);
  }

  /**
   * Opens a subdirectory; undefined when there is none of this name, be it that something else has
   * it. Commands may leave directories that their owner cannot enter or write: that is undone.
   */
  async subdirectory(name: Name): Promise<DirectoryHandle | undefined> {
    let handle: FileHandle;
    try {
      handle = await open(this.at(name), openDirectory);
    } catch (error) {
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) return undefined;
      if (codeOf(error) !== 'EACCES') throw error;
      await this.makeReadable(name);
      handle = await open(this.at(name), openDirectory);
    }
    const { mode } = await handle.stat();
    if ((mode & 0o700) !== 0o700) await handle.chmod((mode & 0o777) | 0o700);
    return new DirectoryHandle(handle);
  }

  /** Opens a subdirectory, making it first; a file or symbolic link in its place is removed. */
  async makeSubdirectory(name: Name): Promise<DirectoryHandle> {
    const existing = await this.subdirectory(name);
    if (existing) return existing;
    if (await this.stat(name)) await unlink(this.at(name));
    // The umask has the last word, as for git's checkout: it says whether the group may write.
    await mkdir(this.at(name));
    const handle = await open(this.at(name), openDirectory);
    const owner = await this.foreignOwner();
    if (owner) await handle.chown(owner.uid, owner.gid);
    return new DirectoryHandle(handle);
  }

  /**
   * Whose what root writes here has to become: a root runner's work tree belongs to the user of its
   * commands. Undefined where that is nobody else.
   */
  async foreignOwner(): Promise<{ readonly uid: number; readonly gid: number } | undefined> {
    if (process.geteuid?.() !== 0) return undefined;
    const { uid, gid } = await this.handle.stat();
    return uid === 0 ? undefined : { uid, gid };
  }

  /** lstat of a child; undefined when there is none. */
  async stat(name: Name): Promise<Stats | undefined> {
    try {
      return await lstat(this.at(name));
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  names(): Promise<Buffer[]> {
    return readdir(Buffer.from(`/proc/self/fd/${this.handle.fd}`), { encoding: 'buffer' });
  }

  /** Removes a subdirectory if it is empty, and says whether it did. */
  async removeIfEmpty(name: Name): Promise<boolean> {
    try {
      await rmdir(this.at(name));
      return true;
    } catch (error) {
      if (['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'].includes(codeOf(error))) return false;
      throw error;
    }
  }

  /**
   * Removes a child with all that is below, following no link. Subdirectories are moved up before
   * they are emptied, so that neither depth nor path length can stop it. No child: nothing happens.
   */
  async remove(name: Name): Promise<void> {
    const pending: Name[] = [name];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      await using directory = await this.subdirectory(next);
      if (!directory) {
        await rm(this.at(next), { force: true });
        continue;
      }
      for (const child of await directory.names()) {
        const below = await directory.subdirectory(child);
        await below?.[Symbol.asyncDispose]();
        if (!below) {
          await unlink(directory.at(child));
          continue;
        }
        const aside = temporaryName();
        await rename(directory.at(child), this.at(aside));
        pending.push(aside);
      }
      await rmdir(this.at(next));
    }
  }

  private async makeReadable(name: Name): Promise<void> {
    const path = await open(this.at(name), openPath);
    try {
      await chmod(`/proc/self/fd/${path.fd}`, 0o700);
    } finally {
      await path.close();
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.handle.close();
  }
}

/** A name that nothing in the directory has, nor can guess. */
export function temporaryName(): string {
  return `.tmp-${randomBytes(12).toString('hex')}`;
}

export function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
