import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { artifactTypes, artifactStore as wire } from '@necrocode/contracts';
import { DurableStore, rpcError, status } from '@necrocode/rpc';
import { counter, gauges, type Logger } from '@necrocode/telemetry';
import { checkUri, readHeader, type ArtifactHeader } from './artifact-header.js';
import { ArtifactIndex, migrations, type ArtifactRow, type Fence } from './artifact-index.js';
import { BlobFiles, chunksOf, type IncomingBlob, type ReceivedBlob } from './blob-files.js';
import { readPageToken, writePageToken } from './page-token.js';

export interface ArtifactStoreOptions {
  readonly dataDir: string;
  readonly maxArtifactBytes: number;
  /** Milliseconds since the epoch; the clock of the machine if absent. */
  readonly now?: () => number;
}

const sweepEveryMs = 60 * 60 * 1000;
const defaultPageSize = 100;
const largestPageSize = 1_000;

const storedBytes = counter('necrocode.store.uploaded', 'Content of accepted uploads', 'By');

/** Keeps artifacts: content by its digest in files, everything else in one database. */
export class ArtifactStore {
  private readonly store: DurableStore;
  private readonly index: ArtifactIndex;
  private readonly blobs: BlobFiles;
  private readonly now: () => number;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly options: ArtifactStoreOptions,
    private readonly log: Logger,
  ) {
    this.store = new DurableStore(join(options.dataDir, 'artifact-store.db'), migrations);
    this.index = new ArtifactIndex(this.store);
    this.blobs = new BlobFiles(options.dataDir);
    this.now = options.now ?? Date.now;
    this.sweep();
    // Content whose row was never written, because the process ended in between.
    this.removeUnused(this.blobs.all());
    this.timer = setInterval(() => this.sweep(), sweepEveryMs);
  }

  /**
   * Receives one artifact. Nothing of it is seen before all of it is durable.
   *
   * @throws RpcException INVALID_ARGUMENT, DATA_LOSS (size or digest differ from what was announced),
   *   FAILED_PRECONDITION (a later attempt has stored for the run)
   */
  async upload(parts: AsyncIterable<wire.UploadRequest>): Promise<wire.UploadResponse> {
    let header: ArtifactHeader | undefined;
    let incoming: IncomingBlob | undefined;
    try {
      for await (const part of parts) {
        if (!header || !incoming) {
          header = readHeader(part.header, this.options.maxArtifactBytes);
          incoming = await this.blobs.receive();
          continue;
        }
        if (!part.chunk) throw rpcError(status.INVALID_ARGUMENT, 'chunk: only chunks may follow the header');
        if (incoming.sizeBytes + part.chunk.length > header.sizeBytes) throw unlikeAnnounced('size');
        await incoming.write(part.chunk);
      }
      if (!header || !incoming) throw rpcError(status.INVALID_ARGUMENT, 'header: nothing was sent');
      if (incoming.sizeBytes !== header.sizeBytes) throw unlikeAnnounced('size');
      const received = await incoming.finish();
      if (received.sha256 !== header.sha256) throw unlikeAnnounced('SHA-256');
      return this.keep(header, received);
    } finally {
      // After success the file has moved away, and there is nothing to drop.
      await incoming?.drop();
    }
  }

  /**
   * The artifact, then its content in chunks.
   *
   * @throws RpcException INVALID_ARGUMENT, NOT_FOUND; DATA_LOSS, also at the end, when the content is
   *   no longer what was stored
   */
  async *download(request: wire.DownloadRequest): AsyncGenerator<wire.DownloadResponse> {
    const row = this.index.get(checkUri(request.uri));
    if (!row) throw notFound();
    const file = await this.blobs.open(row.sha256);
    if (!file) throw rpcError(status.DATA_LOSS, 'the content of the artifact is missing');
    try {
      yield { artifact: toWire(row) };
      const hash = createHash('sha256');
      for await (const chunk of chunksOf(file)) {
        hash.update(chunk);
        yield { chunk };
      }
      if (hash.digest('hex') !== row.sha256) {
        throw rpcError(status.DATA_LOSS, 'the content of the artifact is damaged');
      }
    } finally {
      await file.close();
    }
  }

  /**
   * @throws RpcException INVALID_ARGUMENT for a page token that was not given out here, FAILED_PRECONDITION
   *   when a later attempt has listed or stored artifacts of the run
   */
  list(request: wire.ListArtifactsRequest): wire.ListArtifactsResponse {
    const size = Math.min(request.pageSize || defaultPageSize, largestPageSize);
    const after = readPageToken(request.pageToken);
    const { specName, taskId, run, type } = request;
    if (request.fencingToken > 0n) this.fence(request);
    const rows = this.index.list({ specName, taskId, run, type }, after, size + 1);
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      artifacts: page.map(toWire),
      nextPageToken: rows.length > size && last ? writePageToken(last.id) : '',
    };
  }

  /** @throws RpcException NOT_FOUND, INVALID_ARGUMENT */
  delete(request: wire.DeleteArtifactRequest): wire.DeleteArtifactResponse {
    const uri = checkUri(request.uri);
    const deleted: ArtifactRow[] = [];
    const answer = this.store.once(
      'DeleteArtifact',
      request.idempotencyKey,
      wire.DeleteArtifactResponse,
      () => {
        const row = this.index.get(uri);
        if (!row) throw notFound();
        this.index.delete(uri);
        deleted.push(row);
        return {};
      },
    );
    this.removeUnused(deleted);
    return answer;
  }

  /** Sizes as uploaded: content that several artifacts share counts for each of them. */
  usage(): wire.GetUsageResponse {
    const sizes = this.index.sizes();
    return {
      artifacts: BigInt(sizes.reduce((sum, { artifacts }) => sum + artifacts, 0)),
      sizeBytes: BigInt(sizes.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)),
      sizeBytesByType: Object.fromEntries(sizes.map(({ type, sizeBytes }) => [type, BigInt(sizeBytes)])),
    };
  }

  /** Reports what is kept as metrics. To be called once. */
  measure(): void {
    const measured = (value: (size: { artifacts: number; sizeBytes: number }) => number) => () =>
      artifactTypes.map((type) => ({
        value: value(this.index.sizes().find((size) => size.type === type) ?? nothing),
        attributes: { 'necrocode.artifact.type': type },
      }));
    gauges(
      'necrocode.store.artifacts',
      'Artifacts that are kept',
      '{artifact}',
      measured(({ artifacts }) => artifacts),
    );
    gauges(
      'necrocode.store.size',
      'Size of the artifacts that are kept',
      'By',
      measured(({ sizeBytes }) => sizeBytes),
    );
  }

  /** Removes what has been kept long enough. */
  sweep(): void {
    const expired = this.index.expired(this.now());
    if (expired.length > 0) {
      this.store.transaction(() => expired.forEach(({ uri }) => this.index.delete(uri)));
      this.removeUnused(expired);
      this.log.info({ artifacts: expired.length }, 'artifacts removed after their retention');
    }
    this.store.forgetOldAnswers();
  }

  close(): void {
    clearInterval(this.timer);
    this.store.close();
  }

  private fence({ specName, taskId, run, fencingToken }: wire.ListArtifactsRequest): void {
    this.store.transaction(() =>
      this.raiseToken({ specName, taskId, run, fencingToken: Number(fencingToken) }),
    );
  }

  private raiseToken(attempt: Fence): void {
    if (this.index.raiseToken(attempt)) return;
    throw rpcError(status.FAILED_PRECONDITION, 'a later attempt has listed or stored artifacts of the run');
  }

  /**
   * The rename is made durable by the database's own sync, which follows it: on a journalling file
   * system that also writes the directory entry. If it does not, the row is there without content and
   * the download says so.
   */
  private keep(header: ArtifactHeader, received: ReceivedBlob): wire.UploadResponse {
    const replaced: ArtifactRow[] = [];
    const answer = this.store.once('Upload', header.idempotencyKey, wire.UploadResponse, () => {
      this.raiseToken(header);
      const before = this.index.get(header.uri);
      if (before) replaced.push(before);
      this.blobs.keep(received);
      storedBytes.add(header.sizeBytes, { 'necrocode.artifact.type': header.type });
      return { artifact: toWire(this.index.put(header, this.now())) };
    });
    this.removeUnused(replaced);
    return answer;
  }

  /** Removes the content of rows that are gone, where nothing else refers to it. */
  private removeUnused(gone: Iterable<{ readonly sha256: string }>): void {
    for (const { sha256 } of gone) {
      if (!this.index.isReferredTo(sha256)) this.blobs.remove(sha256);
    }
  }
}

const nothing = { artifacts: 0, sizeBytes: 0 };

function notFound(): Error {
  return rpcError(status.NOT_FOUND, 'there is no such artifact');
}

function unlikeAnnounced(what: string): Error {
  return rpcError(status.DATA_LOSS, `the ${what} of the content is not the one that was announced`);
}

function toWire(row: ArtifactRow): wire.Artifact {
  const { uri, type, specName, taskId, run, name, mediaType, sha256 } = row;
  return {
    uri,
    type,
    specName,
    taskId,
    run,
    name,
    mediaType,
    sha256,
    sizeBytes: BigInt(row.sizeBytes),
    createdAt: new Date(row.createdAt),
    expiresAt: new Date(row.expiresAt),
    metadata: JSON.parse(row.metadata) as Record<string, string>,
  };
}
