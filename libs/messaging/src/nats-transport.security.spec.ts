import { jest } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { natsSecrets, readNatsAccess, shownNatsUrl, type NatsAccess } from '@necrocode/contracts';
import { createLogger } from '@necrocode/telemetry';
import {
  CertificateAuthority,
  eventually,
  startNats,
  tempDir,
  type CertificateFiles,
  type NatsServer,
} from '@necrocode/testkit';
import { nkeys } from '@nats-io/transport-node';
import { connectNats } from './connect.js';
import { LifeSigns } from './life-signs/life-signs.js';

// A busy machine takes its time to start servers and threads.
jest.setTimeout(60_000);

const logger = createLogger({ name: 'spec', level: 'silent' });
const folder = tempDir('necrocode-nats-config-');
const authority = new CertificateAuthority();
const stranger = new CertificateAuthority('Somebody else');
const client = authority.issue({ host: 'runner' });

const running: NatsServer[] = [];

async function start(options: Parameters<typeof startNats>[0] = {}): Promise<NatsServer> {
  const nats = await startNats(options);
  running.push(nats);
  return nats;
}

afterEach(async () => {
  await Promise.all(running.splice(0).map((nats) => nats.stop()));
});

/** A server that asks its clients for a certificate. */
function startWithTls(server: CertificateFiles) {
  const config = join(folder, `${Math.random().toString(36).slice(2)}.conf`);
  const files = `ca_file: "${server.ca}", cert_file: "${server.cert}", key_file: "${server.key}"`;
  writeFileSync(config, `jetstream { store_dir: $NATS_STORE_DIR }\ntls { ${files}, verify: true }\n`);
  return start({ config });
}

function accessWith(url: string, files: Partial<CertificateFiles>): NatsAccess & { name: string } {
  const { access, problems } = readNatsAccess(url, {
    NATS_TLS_CA: files.ca,
    NATS_TLS_CERT: files.cert,
    NATS_TLS_KEY: files.key,
  });
  expect(problems).toEqual([]);
  return { ...access, name: 'spec' };
}

/** What is told while waiting, or thrown, first. */
async function troubleWith(options: NatsAccess & { name: string }): Promise<string> {
  const waiting = new AbortController();
  let told = '';
  const tell = (trouble: string) => {
    told = trouble;
    waiting.abort();
  };
  const error: unknown = await connectNats(options, { tell, signal: waiting.signal }).catch(
    (e: unknown) => e,
  );
  return told || (error as Error).message;
}

/** Hears what signs of life send on a subject of their own. */
async function signsArrive(options: NatsAccess & { name: string }): Promise<boolean> {
  const connection = await connectNats(options);
  const lifeSigns = new LifeSigns({ nats: options, logger });
  try {
    let heard = false;
    connection.subscribe('spec.sign', { callback: () => void (heard = true) });
    await connection.flush();
    lifeSigns.open(60_000).give({ kind: 'working', subject: 'spec.sign' }, 50);
    return await eventually('a sign of life is heard', () => heard || undefined);
  } finally {
    await lifeSigns.close();
    await connection.close();
  }
}

describe('NATS over TLS', () => {
  it.each(['127.0.0.1', 'localhost'])(
    '[AR-10.2] is spoken to by the connection and by signs of life, at %s',
    async (host) => {
      const nats = await startWithTls(authority.issue({ host }));
      const url = `nats://${host}:${nats.port}`;
      expect(await signsArrive(accessWith(url, client))).toBe(true);
    },
  );

  it.each<[string, Partial<CertificateFiles>, RegExp]>([
    ['no certificate', { ca: authority.ca }, /it may want a certificate \(NATS_TLS_CERT and NATS_TLS_KEY\)$/],
    [
      'a certificate of somebody else',
      { ...stranger.issue({ host: 'runner' }), ca: authority.ca },
      /it may not accept the certificate in NATS_TLS_CERT$/,
    ],
    ['another authority', { ...client, ca: stranger.ca }, /does not come from an authority in NATS_TLS_CA$/],
    ['no TLS', {}, /not known here: NATS_TLS_CA names it$/],
  ])('[AR-15.4] tells the setting to who comes with %s', async (_what, files, told) => {
    const nats = await startWithTls(authority.issue({ host: '127.0.0.1' }));
    expect(await troubleWith(accessWith(nats.url, files))).toMatch(told);
  });

  it.each<[string, () => CertificateFiles, RegExp]>([
    [
      'for another host',
      () => authority.issue({ host: 'elsewhere.example' }),
      /for another host name \(NATS_TLS_CA/,
    ],
    [
      'that has expired',
      () => authority.issue({ host: '127.0.0.1', expired: true }),
      /has expired \(NATS_TLS_CA/,
    ],
  ])('[AR-15.4] is refused with a certificate %s', async (_which, issue, told) => {
    const nats = await startWithTls(issue());
    expect(await troubleWith(accessWith(nats.url, client))).toMatch(told);
  });

  it('[AR-15.4] is missed where the server has none', async () => {
    const nats = await start();
    expect(await troubleWith(accessWith(nats.url, client))).toMatch(
      /does not speak TLS, which NATS_TLS_CA asks for$/,
    );
  });
});

describe('NATS credentials', () => {
  const pair = nkeys.createUser();
  const seed = new TextDecoder().decode(pair.getSeed());
  // The server of the spec knows the key alone, as one without operators does; the token is carried along.
  const creds = [
    '-----BEGIN NATS USER JWT-----',
    'eyJ0eXAiOiJKV1QifQ.e30.x',
    '------END NATS USER JWT------',
    '',
    '-----BEGIN USER NKEY SEED-----',
    seed,
    '------END USER NKEY SEED------',
    '',
  ].join('\n');

  it('[AR-10.2] open the connection and that of signs of life, from a file', async () => {
    const config = join(folder, 'nkey.conf');
    writeFileSync(
      config,
      `jetstream { store_dir: $NATS_STORE_DIR }\nauthorization { users: [{ nkey: ${pair.getPublicKey()} }] }\n`,
    );
    const nats = await start({ config });
    const file = join(folder, 'runner.creds');
    writeFileSync(file, creds);
    const { access, problems } = readNatsAccess(nats.url, { NATS_CREDS_FILE: file });
    expect(problems).toEqual([]);
    expect(await signsArrive({ ...access, name: 'spec' })).toBe(true);
    const other = creds.replace(seed, new TextDecoder().decode(nkeys.createUser().getSeed()));
    const refused = connectNats({ url: nats.url, name: 'spec', creds: other });
    await expect(refused).rejects.toThrow(/does not accept the credentials in NATS_CREDS$/);
  });

  it('[AR-10.5] are secrets: seed, password and the password in a URL', () => {
    const url = 'nats://user:in%20url@host:1,nats://host:2';
    expect(natsSecrets({ url, password: 'word', creds })).toEqual(['in url', 'word', seed]);
    expect(shownNatsUrl(url)).toBe('nats://host:1,nats://host:2');
    expect(shownNatsUrl('user:p@ss/word@host:1')).not.toContain('p@ss');
  });

  it('[AR-15.6] name every problem, and no value', () => {
    const { problems } = readNatsAccess('nats://', {
      NATS_PASSWORD_FILE: '/nowhere/hidden-word',
      NATS_CREDS: 'hidden-word',
      NATS_INBOX_PREFIX: 'hidden-word.>',
      NATS_TLS_CERT: '/nowhere/hidden-word',
    });
    expect(problems.map((problem) => problem.split(':')[0]).toSorted()).toEqual([
      'NATS_CREDS',
      'NATS_INBOX_PREFIX',
      'NATS_PASSWORD_FILE',
      'NATS_TLS_CA',
      'NATS_TLS_CERT',
      'NATS_TLS_KEY',
      'NATS_URL',
    ]);
    expect(problems.join()).not.toContain('hidden-word');
  });
});
