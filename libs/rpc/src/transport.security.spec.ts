import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { Controller, Module, type INestMicroservice } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { readClientTls, readServerTls, repoPool, type ClientTls } from '@necrocode/contracts';
import { CertificateAuthority, freePort, tempDir, type CertificateFiles } from '@necrocode/testkit';
import {
  call,
  checkHealth,
  connectionTrouble,
  createClient,
  isMessageTooLarge,
  serveGrpc,
  status,
  type GrpcEndpoint,
} from './index.js';

@Controller()
class Slots {
  @GrpcMethod('RepoPoolService', 'listSlots')
  list({ repoUrl }: repoPool.ListSlotsRequest): repoPool.ListSlotsResponse {
    const slot = repoPool.Slot.fromPartial({ slotId: 'x'.repeat(1024 * 1024) });
    return { slots: repoUrl === 'many' ? Array<repoPool.Slot>(9).fill(slot) : [] };
  }
}

@Module({ controllers: [Slots] })
class SlotsModule {}

const authority = new CertificateAuthority();
const stranger = new CertificateAuthority('Somebody else');
const server = authority.issue({ host: '127.0.0.1' });
const client = authority.issue({ host: 'runner' });
const running: INestMicroservice[] = [];

/** Resolves to its address. */
async function serve(files: Partial<CertificateFiles>): Promise<string> {
  const read = readServerTls(files);
  if (read.kind === 'problems') throw new Error(read.problems.map(({ message }) => message).join());
  const address = `127.0.0.1:${await freePort()}`;
  running.push(
    await serveGrpc({
      module: SlotsModule,
      name: 'necrocode.repo_pool.v1.RepoPoolService',
      definition: repoPool.RepoPoolServiceService,
      address,
      tls: read.tls,
    }),
  );
  return address;
}

function endpointOf(address: string, files: Partial<CertificateFiles>): GrpcEndpoint {
  const read = readClientTls('REPO_POOL_TLS', files);
  if (read.kind === 'problems') throw new Error(read.problems.map(({ message }) => message).join());
  return { address, tlsSetting: 'REPO_POOL_TLS', tls: read.tls };
}

async function ask(endpoint: GrpcEndpoint, repoUrl = ''): Promise<repoPool.ListSlotsResponse> {
  const pool = createClient(repoPool.RepoPoolServiceClient, endpoint);
  try {
    return await call(pool.listSlots.bind(pool), { repoUrl }, { deadlineMs: 10_000, retries: 0 });
  } finally {
    pool.close();
  }
}

async function troubleWith(endpoint: GrpcEndpoint): Promise<string | undefined> {
  const error: unknown = await ask(endpoint).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: status.UNAVAILABLE });
  return connectionTrouble(error, endpoint);
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((app) => app.close()));
});

describe('a service with TLS', () => {
  it('[AR-15.3] answers a client with a certificate of its authority, health checks included', async () => {
    const endpoint = endpointOf(await serve(server), client);
    expect(await ask(endpoint)).toEqual({ slots: [] });
    expect(await checkHealth(endpoint, 5_000)).toBeUndefined();
  });

  it('[AR-15.3] asks no certificate of its clients where it has no authority', async () => {
    const { cert, key } = server;
    const endpoint = endpointOf(await serve({ cert, key }), { ca: authority.ca });
    expect(await ask(endpoint)).toEqual({ slots: [] });
  });

  it.each<[string, Partial<CertificateFiles>, RegExp]>([
    [
      'shows no certificate',
      { ca: authority.ca },
      /wants? a certificate \(REPO_POOL_TLS_CERT and REPO_POOL_TLS_KEY\)$/,
    ],
    [
      'shows one of another authority',
      { ...stranger.issue({ host: 'runner' }), ca: authority.ca },
      /not accept the certificate in REPO_POOL_TLS_CERT$/,
    ],
    [
      'speaks no TLS',
      {},
      /^the connection broke; if it speaks TLS, REPO_POOL_TLS_CA has to name its authority$/,
    ],
    [
      'trusts another authority',
      { ...client, ca: stranger.ca },
      /^its certificate does not come from an authority in REPO_POOL_TLS_CA$/,
    ],
  ])('[AR-15.4] refuses a client that %s, which is told the setting', async (_who, files, told) => {
    const endpoint = endpointOf(await serve(server), files);
    expect(await troubleWith(endpoint)).toMatch(told);
    expect(await checkHealth(endpoint, 5_000)).toMatch(told);
  });

  it.each<[string, CertificateFiles, RegExp]>([
    [
      'for another host',
      authority.issue({ host: 'elsewhere.example' }),
      /^its certificate is for another host name \(REPO_POOL_TLS_CA/,
    ],
    [
      'of another authority',
      { ...stranger.issue({ host: '127.0.0.1' }), ca: authority.ca },
      /REPO_POOL_TLS_CA$/,
    ],
  ])('[AR-15.4] is refused by its clients with a certificate %s', async (_which, files, told) => {
    expect(await troubleWith(endpointOf(await serve(files), client))).toMatch(told);
  });

  it('[AR-15.4] is refused by its clients when its certificate has expired meanwhile', async () => {
    const { cert, key, ca } = authority.issue({ host: '127.0.0.1', expired: true });
    const address = `127.0.0.1:${await freePort()}`;
    const text = (file: string) => readFileSync(file, 'utf8');
    const tls = { cert: text(cert), key: text(key), ca: text(ca) };
    const name = 'necrocode.repo_pool.v1.RepoPoolService';
    const definition = repoPool.RepoPoolServiceService;
    running.push(await serveGrpc({ module: SlotsModule, name, definition, address, tls }));
    expect(await troubleWith(endpointOf(address, client))).toMatch(
      /^its certificate has expired \(REPO_POOL_TLS_CA/,
    );
  });

  it('[AR-15.4] is missed by a client that expects TLS of a service without', async () => {
    const told = /^it does not speak TLS, which REPO_POOL_TLS_CA asks for$/;
    expect(await troubleWith(endpointOf(await serve({}), client))).toMatch(told);
  });
});

describe('files for TLS', () => {
  const expired = authority.issue({ host: 'runner', expired: true });
  const other = authority.issue({ host: 'other' });
  const folder = tempDir('necrocode-tls-');
  const noPem = join(folder, 'no.pem');
  writeFileSync(noPem, 'hidden-word');

  it.each<[string, Partial<CertificateFiles>, Partial<Record<'ca' | 'cert' | 'key', string>>]>([
    ['that are missing', { ...client, ca: '/nowhere/ca.pem' }, { ca: 'the file cannot be read (ENOENT)' }],
    [
      'that are no PEM',
      { ca: noPem, cert: noPem, key: noPem },
      {
        ca: 'the file holds no certificate in PEM form',
        key: 'the file holds no private key in PEM form without a passphrase',
        cert: 'the file holds no certificate in PEM form',
      },
    ],
    ['of which one is expired', expired, { cert: 'the certificate has expired' }],
    [
      'that do not belong together',
      { ...client, key: other.key },
      { key: 'the key does not belong to the certificate' },
    ],
    ['without a key', { ca: client.ca, cert: client.cert }, { key: 'is needed with a certificate' }],
    ['without a certificate', { ca: client.ca, key: client.key }, { cert: 'is needed with a key' }],
    [
      'without an authority',
      { cert: client.cert, key: client.key },
      { ca: 'is needed with a certificate: without it TLS is off' },
    ],
  ])('[AR-15.6] %s are named before the first connection', (_which, files, expected) => {
    const read = readClientTls('X_TLS', files);
    if (read.kind !== 'problems') throw new Error('they were read');
    expect(Object.fromEntries(read.problems.map(({ file, message }) => [file, message]))).toEqual(expected);
    expect(JSON.stringify(read)).not.toContain('hidden-word');
  });

  it('[AR-15.6] are optional, for both sides', () => {
    expect(readClientTls('X_TLS', {})).toEqual({ kind: 'read', tls: undefined });
    expect(readServerTls({})).toEqual({ kind: 'read', tls: undefined });
    expect(readServerTls({ ca: server.ca })).toMatchObject({ kind: 'problems' });
    const { tls } = readClientTls('X_TLS', client) as { tls: ClientTls };
    expect(tls.cert).toContain('BEGIN CERTIFICATE');
  });
});

describe('a message that is too large', () => {
  it('[AR-15.4] is refused at once and for good, on either way', async () => {
    const endpoint = endpointOf(await serve({}), {});
    const pool = createClient(repoPool.RepoPoolServiceClient, endpoint);
    // A patient call: what cannot help must not be tried for minutes.
    const patient = { deadlineMs: 10_000, patienceMs: 600_000 };
    for (const repoUrl of ['u'.repeat(65 * 1024), 'many']) {
      const error: unknown = await call(pool.listSlots.bind(pool), { repoUrl }, patient).catch(
        (e: unknown) => e,
      );
      expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
      expect(isMessageTooLarge(error)).toBe(true);
      expect(connectionTrouble(error, endpoint)).toBe('a message is larger than it takes');
    }
    pool.close();
  });

  it('[AR-15.4] is refused by the service also where the client has no limit', async () => {
    const address = await serve({});
    const { path, requestSerialize } = repoPool.RepoPoolServiceService.listSlots;
    const raw = new Client(address, credentials.createInsecure());
    const request = requestSerialize({ repoUrl: 'u'.repeat(65 * 1024) });
    const bytes = (value: Buffer) => value;
    const error = await new Promise<ServiceError | null>((resolve) =>
      raw.makeUnaryRequest(path, bytes, bytes, request, (refused) => resolve(refused)),
    );
    raw.close();
    expect(error).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
    expect(isMessageTooLarge(error)).toBe(true);
  });
});
