import { createHash, randomUUID, type Hash } from 'node:crypto';
import { constants, lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** How content is cut for reading. */
const chunkBytes = 256 * 1024;

/**
 * Content under its digest: `<dataDir>/blobs/<first two digits>/<sha256>`, each once, whoever refers
 * to it. What is being received stands in `<dataDir>/incoming`. Names come from digests and random numbers
 * alone, and no link below the data directory is followed, whoever has planted it.
 */
export class BlobFiles {
  private readonly blobs: string;
  private readonly incoming: string;

  /** @throws Error when one of its folders is a link */
  constructor(dataDir: string) {
    this.blobs = join(dataDir, 'blobs');
    this.incoming = join(dataDir, 'incoming');
    rmSync(this.incoming, { recursive: true, force: true });
    mkdirSync(this.incoming, { recursive: true });
    mkdirSync(this.blobs, { recursive: true });
    requireFolder(this.blobs);
  }

  async receive(): Promise<IncomingBlob> {
    const path = join(this.incoming, randomUUID());
    return new IncomingBlob(path, await open(path, 'wx'));
  }

  /**
   * Gives a received file its place. Synchronous, so that it cannot interleave with a removal of the
   * same content.
   */
  keep(received: ReceivedBlob): void {
    const place = this.placeOf(received.sha256);
    const folder = join(place, '..');
    mkdirSync(folder, { recursive: true });
    requireFolder(folder);
    // Also over the same content: that heals a copy which the disk has damaged.
    renameSync(received.path, place);
  }

  remove(sha256: string): void {
    const place = this.placeOf(sha256);
    if (isFolder(join(place, '..'))) rmSync(place, { force: true });
  }

  /** Undefined when there is no ordinary file that can be read. The caller closes it. */
  async open(sha256: string): Promise<FileHandle | undefined> {
    const place = this.placeOf(sha256);
    if (!isFolder(join(place, '..'))) return undefined;
    try {
      const file = await open(place, withoutLinks);
      if ((await file.stat()).isFile()) return file;
      await file.close();
    } catch {
      // It is not there, or a link.
    }
    return undefined;
  }

  /** Digests of all content on disk. */
  *all(): Iterable<{ readonly sha256: string }> {
    for (const prefix of readdirSync(this.blobs).filter((name) => isFolder(join(this.blobs, name)))) {
      const names = readdirSync(join(this.blobs, prefix));
      for (const sha256 of names) if (sha256.startsWith(prefix) && digest.test(sha256)) yield { sha256 };
    }
  }

  private placeOf(sha256: string): string {
    return join(this.blobs, sha256.slice(0, 2), sha256);
  }
}

const digest = /^[0-9a-f]{64}$/;

/** A pipe in place of a file must not be waited for. */
const withoutLinks = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function requireFolder(path: string): void {
  if (!isFolder(path)) throw new Error(`${path} must be a folder, not a link`);
}

/** A file that is complete on disk, but has no place yet. */
export interface ReceivedBlob {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** A file that grows. Ends with `finish` or with `drop`. */
export class IncomingBlob {
  private readonly hash: Hash = createHash('sha256');
  private written = 0;

  constructor(
    private readonly path: string,
    private readonly file: FileHandle,
  ) {}

  get sizeBytes(): number {
    return this.written;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.hash.update(chunk);
    this.written += chunk.length;
    await this.file.writeFile(chunk);
  }

  /** Durable when it resolves. */
  async finish(): Promise<ReceivedBlob> {
    await this.file.sync();
    await this.file.close();
    return { path: this.path, sizeBytes: this.written, sha256: this.hash.digest('hex') };
  }

  async drop(): Promise<void> {
    await this.file.close().catch(() => undefined);
    await rm(this.path, { force: true });
  }
}

/** Reads a file to its end; every chunk is a buffer of its own. */
export async function* chunksOf(file: FileHandle): AsyncGenerator<Buffer> {
  for (;;) {
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes);
    if (bytesRead === 0) return;
    yield buffer.subarray(0, bytesRead);
  }
}
