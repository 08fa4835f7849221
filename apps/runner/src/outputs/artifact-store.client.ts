import { createHash, randomUUID } from 'node:crypto';
import { artifactStore, RunnerError, type ArtifactRef, type ArtifactType } from '@necrocode/contracts';
import { call, createClient, isStatusError, persist, status, type GrpcEndpoint } from '@necrocode/rpc';
import type { Artifact, ArtifactStore, Lease } from '../pipeline/ports.js';
import { serviceFailure } from './service-failure.js';

const chunkBytes = 256 * 1024;
const transferDeadlineMs = 60_000;
const listDeadlineMs = 10_000;

/** What a later stage rests on is worth waiting for a store that is away for a minute; evidence is not. */
const patienceMs = { proof: 90_000, evidence: 20_000 };
const proofs: ReadonlySet<ArtifactType> = new Set(['commit_bundle', 'llm_answer']);

type Client = InstanceType<typeof artifactStore.ArtifactStoreServiceClient>;

/** The Artifact Store over gRPC streams. A transfer that breaks is started again, as the same one. */
export function createArtifactStoreClient(endpoint: GrpcEndpoint): ArtifactStore & { close(): void } {
  const client = createClient(artifactStore.ArtifactStoreServiceClient, endpoint);
  return {
    upload(lease, artifact) {
      const header = headerOf(lease, artifact);
      const patience = proofs.has(artifact.type) ? patienceMs.proof : patienceMs.evidence;
      return transfer(() => uploadOnce(client, header, artifact), patience, endpoint);
    },
    download: (uri) => transfer(() => downloadOnce(client, uri), patienceMs.proof, endpoint),
    list: (lease, type) => transfer(() => listOnce(client, lease, type), patienceMs.proof, endpoint),
    close: () => client.close(),
  };
}

function headerOf(lease: Lease, artifact: Artifact): artifactStore.UploadHeader {
  return {
    // One key for all tries: a reply may be lost after the work is done.
    idempotencyKey: artifact.uploadId ?? randomUUID(),
    fencingToken: lease.fencingToken,
    specName: lease.key.specName,
    taskId: lease.key.taskId,
    run: lease.run,
    type: artifact.type,
    name: artifact.name,
    mediaType: artifact.mediaType,
    sizeBytes: BigInt(artifact.content.length),
    sha256: createHash('sha256').update(artifact.content).digest('hex'),
    metadata: { attempt: String(lease.attempt) },
  };
}

function uploadOnce(
  client: Client,
  header: artifactStore.UploadHeader,
  artifact: Artifact,
): Promise<ArtifactRef> {
  return new Promise((resolve, reject) => {
    const deadline = Date.now() + transferDeadlineMs;
    const stream = client.upload({ deadline } as never, (error, response) => {
      if (error) return reject(error);
      const uri = response.artifact?.uri ?? '';
      resolve({ type: artifact.type, uri, size_bytes: artifact.content.length, sha256: header.sha256 });
    });
    // The status arrives through the callback.
    stream.on('error', () => undefined);
    stream.write({ header });
    void writeChunks(stream, Buffer.from(artifact.content)).then(() => stream.end());
  });
}

/** Waits whenever the stream is full, so that a large artifact does not pile up in memory. */
async function writeChunks(
  stream: {
    write(message: artifactStore.UploadRequest): boolean;
    once(event: string, then: () => void): void;
  },
  content: Buffer,
): Promise<void> {
  for (let offset = 0; offset < content.length; offset += chunkBytes) {
    const chunk = content.subarray(offset, offset + chunkBytes);
    if (stream.write({ chunk })) continue;
    await new Promise<void>((resolve) => {
      stream.once('drain', resolve);
      stream.once('close', resolve);
    });
  }
}

function downloadOnce(client: Client, uri: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const stream = client.download({ uri }, { deadline: Date.now() + transferDeadlineMs } as never);
    stream.on('data', ({ chunk }: artifactStore.DownloadResponse) => {
      if (chunk) chunks.push(chunk);
    });
    stream.on('error', reject);
    stream.on('end', () => resolve(Buffer.concat(chunks)));
  });
}

async function listOnce(client: Client, lease: Lease, type: ArtifactType): Promise<artifactStore.Artifact[]> {
  const { specName, taskId } = lease.key;
  const { run, fencingToken } = lease;
  const request = { specName, taskId, run, fencingToken, type, pageSize: 500, pageToken: '' };
  const found: artifactStore.Artifact[] = [];
  do {
    const page = await call(client.listArtifacts.bind(client), request, { deadlineMs: listDeadlineMs });
    found.push(...page.artifacts);
    request.pageToken = page.nextPageToken;
  } while (request.pageToken !== '');
  return found;
}

async function transfer<T>(once: () => Promise<T>, patience: number, endpoint: GrpcEndpoint): Promise<T> {
  try {
    return await persist(once, { patienceMs: patience });
  } catch (error) {
    if (!isStatusError(error)) throw error;
    if (error.code === status.FAILED_PRECONDITION) {
      throw new RunnerError('lease_lost', 'the task belongs to another runner now', { cause: error });
    }
    throw serviceFailure(error, 'artifact_store_unavailable', 'the artifact store', endpoint);
  }
}
