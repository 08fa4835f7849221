import { randomBytes } from 'node:crypto';
import { readdir, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RunnerError } from '@necrocode/contracts';
import type { Logger } from '@necrocode/telemetry';
import { endProcessesOf, Identities, runAs, type IdentityRange } from './identities.js';

/** A directory of one task, and the user that its commands run as. */
export interface Room {
  readonly name: string;
  readonly directory: string;
  readonly identity: number;
}

/**
 * Rooms: `<directory>/<name>/{tree,home,tmp}`. Each belongs to root and to a group of its own, which
 * are the runner and the commands of one task: both write in it, neither can shut the other out, and
 * the commands of other tasks do not get in.
 */
export class Rooms {
  private readonly identities: Identities;

  constructor(
    private readonly directory: string,
    private readonly range: IdentityRange,
    private readonly log: Logger,
  ) {
    this.identities = new Identities(range);
  }

  /** Removes what an earlier server left: with it the connections ended for which the rooms were made. */
  async clear(): Promise<void> {
    for (const name of await readdir(this.directory)) {
      const room = await this.find(name);
      if (room) await this.remove(room);
    }
  }

  /** @throws RunnerError sandbox_unavailable when every identity is lent or the disk does not take it */
  async open(): Promise<Room> {
    const identity = this.identities.lend();
    if (identity === undefined)
      throw new RunnerError('sandbox_unavailable', 'all rooms of the sandbox are taken');
    const name = randomBytes(12).toString('hex');
    const room = { name, directory: join(this.directory, name), identity };
    try {
      await runAs(process.getuid?.() ?? 0, identity, makeRoom, room.directory);
      return room;
    } catch (error) {
      await this.close(room);
      throw new RunnerError('sandbox_unavailable', 'a room could not be made', { cause: error });
    }
  }

  /** A room that is there, also one that another server made; undefined when there is none. */
  async find(name: string): Promise<Room | undefined> {
    const directory = join(this.directory, name);
    const stats = await stat(directory).catch(() => undefined);
    if (!stats?.isDirectory() || stats.uid !== process.getuid?.()) return undefined;
    const { first, count } = this.range;
    const isOurs = stats.gid >= first && stats.gid < first + count;
    return isOurs ? { name, directory, identity: stats.gid } : undefined;
  }

  /** Ends what runs in the room and removes it. Never rejects; an identity that cannot be cleaned is not lent again. */
  async close(room: Room): Promise<void> {
    if (await this.remove(room)) this.identities.giveBack(room.identity);
  }

  private async remove(room: Room): Promise<boolean> {
    const { identity, directory } = room;
    try {
      await endProcessesOf(identity);
      await runAs(identity, identity, emptyRoom, directory);
      for (const path of [...parts.map((part) => join(directory, part)), directory]) {
        await rmdir(path).catch((error: unknown) => {
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        });
      }
      return true;
    } catch (error) {
      this.log.warn({ room: room.name, error }, 'a room could not be removed');
      return false;
    }
  }
}

const parts = ['tree', 'home', 'tmp'];

/** The group's bit on the directories hands the group on to all that is made below. */
const makeRoom = `umask 0; mkdir -m 0750 "$1" && mkdir -m 2770 ${parts.map((part) => `"$1/${part}"`).join(' ')}`;

/** Commands leave directories that may not be written; twice, since the first pass opens them. */
const emptyRoom = `[ -d "$1" ] || exit 0
find "$1" -mindepth 2 -type d -user "$(id -u)" ! -perm -700 -exec chmod u+rwx {} \\; 2>/dev/null
find "$1" -mindepth 2 -delete`;

/**
 * After every command: what it left outside the room goes, and directories that it locked are opened, so
 * that the runner can write the next change.
 */
export const tidyAfterCommand = `ipcrm --all 2>/dev/null
room="$1"; shift
find "$room/tmp" "$@" -mindepth 1 -user "$(id -u)" -delete 2>/dev/null
find "$room/tree" "$room/home" -type d -user "$(id -u)" ! -perm -770 -exec chmod ug+rwx {} \\; 2>/dev/null
exit 0`;
