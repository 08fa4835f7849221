import { createHash, randomUUID, type Hash } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** How content is cut for reading. */
const chunkBytes = 256 * 1024;

/**
 * Content under its digest: `<dataDir>/blobs/<first two digits>/<sha256>`, each once, whoever refers
 * to it. What is being received stands in `<dataDir>/incoming`.
 */
export class BlobFiles {
  private readonly blobs: string;
  private readonly incoming: string;

  constructor(dataDir: string) {
    this.blobs = join(dataDir, 'blobs');
    this.incoming = join(dataDir, 'incoming');
    rmSync(this.incoming, { recursive: true, force: true });
    mkdirSync(this.incoming, { recursive: true });
    mkdirSync(this.blobs, { recursive: true });
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
    mkdirSync(join(place, '..'), { recursive: true });
    // Also over the same content: that heals a copy which the disk has damaged.
    renameSync(received.path, place);
  }

  remove(sha256: string): void {
    rmSync(this.placeOf(sha256), { force: true });
  }

  /** Undefined when the file cannot be read. The caller closes it. */
  async open(sha256: string): Promise<FileHandle | undefined> {
    try {
      return await open(this.placeOf(sha256), 'r');
    } catch {
      return undefined;
    }
  }

  /** Digests of all content on disk. */
  *all(): Iterable<{ readonly sha256: string }> {
    for (const prefix of readdirSync(this.blobs)) {
      for (const sha256 of readdirSync(join(this.blobs, prefix))) yield { sha256 };
    }
  }

  private placeOf(sha256: string): string {
    return join(this.blobs, sha256.slice(0, 2), sha256);
  }
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
