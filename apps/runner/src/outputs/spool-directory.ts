import { randomBytes } from 'node:crypto';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { spoolEntrySchema, type SpoolEntry } from './spool-entry.js';

const documentEnd = '.json';
const contentEnd = '.content';
const temporaryEnd = '.tmp';
const quarantineEnd = '.unreadable';
/** A file that is being written becomes part of an entry long before this. */
const abandonedAfterMs = 60 * 60 * 1000;

export type ReadEntry =
  | { readonly kind: 'entry'; readonly entry: SpoolEntry; readonly content: Buffer }
  /** Somebody else has done with it. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'unreadable'; readonly why: string };

/**
 * Entries as files. One is there whole or not at all, and survives the power going off from the moment
 * that `write` has resolved: content first, then the document by rename, each with its directory synced.
 */
export class SpoolDirectory {
  /** Ids of entries that are not whole yet. */
  private readonly writing = new Set<string>();

  constructor(private readonly directory: string) {}

  /** Ids of entries, the oldest first. */
  async list(): Promise<string[]> {
    const names = await this.names();
    return names
      .filter((name) => name.endsWith(documentEnd))
      .map((name) => name.slice(0, -documentEnd.length))
      .sort();
  }

  /** Bytes of everything in it. */
  async size(): Promise<number> {
    const sizes = (await this.names()).map((name) => this.fact(name).then((fact) => fact?.size ?? 0));
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  /** Returns the entry's id. Throws what the file system says, such as ENOSPC, and leaves nothing behind then. */
  async write(entry: SpoolEntry, content: Uint8Array | undefined): Promise<string> {
    await mkdir(this.directory, { recursive: true, mode: 0o700 });
    const id = idOf(entry);
    this.writing.add(id);
    try {
      if (content) await this.writeWhole(`${id}${contentEnd}`, content);
      await this.writeWhole(`${id}${documentEnd}`, Buffer.from(JSON.stringify(entry)));
      return id;
    } catch (error) {
      await this.remove(id).catch(() => undefined);
      throw error;
    } finally {
      this.writing.delete(id);
    }
  }

  /**
   * The same at once, and only for the death of the process: nothing is synced. About 0.2 ms, where `write`
   * waits for the disk four times.
   */
  writeNow(entry: SpoolEntry, content: Uint8Array): string {
    mkdirSync(this.directory, { recursive: true, mode: 0o700 });
    const id = idOf(entry);
    writeFileSync(this.path(`${id}${contentEnd}`), content, { flag: 'wx', mode: 0o600 });
    const temporary = this.path(`${id}${documentEnd}${temporaryEnd}`);
    writeFileSync(temporary, JSON.stringify(entry), { flag: 'wx', mode: 0o600 });
    renameSync(temporary, this.path(`${id}${documentEnd}`));
    return id;
  }

  async read(id: string): Promise<ReadEntry> {
    let text: string;
    try {
      text = await readFile(this.path(`${id}${documentEnd}`), 'utf8');
    } catch (error) {
      return isMissing(error) ? { kind: 'gone' } : { kind: 'unreadable', why: codeOf(error) };
    }
    try {
      const entry = spoolEntrySchema.parse(JSON.parse(text));
      const content =
        entry.what.kind === 'artifact' ? await readFile(this.path(`${id}${contentEnd}`)) : empty;
      return { kind: 'entry', entry, content };
    } catch (error) {
      return { kind: 'unreadable', why: error instanceof Error ? error.message : 'not an entry' };
    }
  }

  /** The document goes first: without it the content is no entry. */
  async remove(id: string): Promise<void> {
    for (const end of [documentEnd, contentEnd]) {
      for (const name of [`${id}${end}`, `${id}${end}${temporaryEnd}`])
        await rm(this.path(name), { force: true });
    }
  }

  /** Takes an entry out of the way for a person to look at. */
  async quarantine(id: string): Promise<void> {
    await rename(this.path(`${id}${documentEnd}`), this.path(`${id}${quarantineEnd}`));
  }

  /**
   * Removes what a writer left that died, and what was put aside and has become too old. Only age tells what
   * another runner on this directory is still writing, so what a death leaves is not old enough at once.
   */
  async tidy(maxAgeMs: number): Promise<void> {
    const ids = new Set(await this.list());
    for (const name of await this.names()) {
      const id = name.slice(0, name.indexOf('.'));
      if (this.writing.has(id)) continue;
      const isSetAside =
        name.endsWith(quarantineEnd) || (await this.fact(`${id}${quarantineEnd}`)) !== undefined;
      const isWhole = ids.has(id) && !name.endsWith(temporaryEnd);
      const age = Date.now() - ((await this.fact(name))?.mtimeMs ?? Date.now());
      if (!isWhole && age > (isSetAside ? maxAgeMs : abandonedAfterMs))
        await rm(this.path(name), { force: true });
    }
  }

  private path(name: string): string {
    return join(this.directory, name);
  }

  private async names(): Promise<string[]> {
    try {
      return await readdir(this.directory);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  private fact(name: string) {
    return stat(this.path(name)).catch(() => undefined);
  }

  private async writeWhole(name: string, bytes: Uint8Array): Promise<void> {
    const temporary = this.path(`${name}${temporaryEnd}`);
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, this.path(name));
    const directory = await open(this.directory, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  }
}

/** Sorts by age. */
function idOf({ kept_at }: SpoolEntry): string {
  return `${String(Date.parse(kept_at)).padStart(15, '0')}-${randomBytes(6).toString('hex')}`;
}

const empty = Buffer.alloc(0);

function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT';
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? 'unknown error';
}
