import { createHash } from 'node:crypto';
import { artifactStore, type ArtifactRef } from '@necrocode/contracts';
import { createClient } from '@necrocode/rpc';
import { CommandRefused } from '../command-refused.js';
import type { ServiceEndpoint } from '../endpoints.js';
import { translateStatus, type ServiceParty } from './unreachable.js';

export interface ArtifactStore {
  /**
   * The content of an artifact, piece by piece, checked at the end against what the registry recorded.
   *
   * @throws RunnerError artifact_store_unavailable; CommandRefused when it is not there or not what it was
   */
  download(artifact: ArtifactRef): AsyncIterable<Uint8Array>;
  close(): void;
}

/** For a whole transfer; a store that is not there says so at once. */
const transferDeadlineMs = 10 * 60_000;
const patienceMs = 3_000;

export function openArtifactStore(endpoint: ServiceEndpoint): ArtifactStore {
  const client = createClient(artifactStore.ArtifactStoreServiceClient, endpoint);
  const party: ServiceParty = {
    name: 'the Artifact Store',
    endpoint,
    variable: 'ARTIFACT_STORE_URL',
    code: 'artifact_store_unavailable',
  };
  return {
    async *download({ uri, sha256, size_bytes: size }) {
      const call = client.download({ uri }, { deadline: Date.now() + transferDeadlineMs } as never);
      // Nothing at all within the patience: an address that swallows packets.
      const silence = setTimeout(() => call.cancel(), patienceMs);
      const digest = createHash('sha256');
      let received = 0;
      try {
        for await (const message of call) {
          clearTimeout(silence);
          const { chunk } = message as artifactStore.DownloadResponse;
          if (!chunk) continue;
          digest.update(chunk);
          received += chunk.length;
          yield chunk;
        }
      } catch (error) {
        throw translateStatus(error, party);
      } finally {
        clearTimeout(silence);
        call.cancel();
      }
      if (received !== size || digest.digest('hex') !== sha256) {
        throw new CommandRefused(`${uri} is damaged: the store's content is not what the registry recorded`);
      }
    },
    close: () => client.close(),
  };
}
