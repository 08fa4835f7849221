import { jest } from '@jest/globals';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CertificateAuthority, tempDir } from '@necrocode/testkit';
import { RemoteRepository } from './remote-repository.js';
import { necro, startSecuredSystem, type SecuredSystem } from './secured-system.js';

jest.setTimeout(120_000);

/** Leases and acknowledgements that run out several times during one task, unless they are renewed. */
const runnerSettings = `
lease_seconds: 3
heartbeat_seconds: 1
ack_wait_seconds: 5
git: { protocols: [file] }
sandbox: { required: none }
`;

let system: SecuredSystem;

beforeAll(async () => {
  system = await startSecuredSystem(runnerSettings);
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

/** Environment without the variables whose names match. */
function without(pattern: RegExp): Record<string, string> {
  return Object.fromEntries(Object.entries(system.operator).filter(([name]) => !pattern.test(name)));
}

describe('a system with certificates on every connection and users in NATS', () => {
  it('[AR-10.2] does a whole task, its leases renewed and its message kept alive over TLS', async () => {
    const remote = RemoteRepository.make({
      'answer.txt': '41\n',
      'check.sh': 'sleep 12; grep -q 42 answer.txt\n',
    });
    const change = { file_path: 'answer.txt', operation: 'modify', content: '42\n' };
    await fetch(`${system.llm}/__script`, {
      method: 'POST',
      body: JSON.stringify({ tasks: { 'secured/1': [{ answer: { code_changes: [change] } }] } }),
    });
    const file = join(tempDir('necrocode-task-'), 'task.json');
    const task = {
      spec_name: 'secured',
      task_id: '1',
      title: 'Correct the answer',
      description: 'answer.txt must say 42.',
      repo_url: remote.path,
      test_commands: ['sh check.sh'],
    };
    writeFileSync(file, JSON.stringify(task));
    const submitted = await necro(['submit', file, '--watch', '--json'], system.operator);
    expect(submitted).toMatchObject({ exitCode: 0 });
    expect(remote.commitsOn('feature/task-secured-1')).toBe(1);

    const got = await necro(['get', 'secured/1', '--json'], system.operator);
    const { result, attempts } = JSON.parse(got.out) as {
      result: { status: string; attempts: number };
      attempts: unknown[];
    };
    expect(result).toMatchObject({ status: 'done', attempts: 1 });
    expect(attempts).toHaveLength(1);
    expect(system.log()).not.toContain('renewing a lease failed');
    const shown = [system.log(), submitted.out, submitted.notes, got.out].join('\n');
    expect(shown).not.toContain('hidden-word');
    expect(shown).not.toContain('PRIVATE KEY');
  });

  it('[AR-12.5] is judged by the doctor', async () => {
    const { out } = await necro(['doctor', '--json'], system.operator);
    const { checks } = JSON.parse(out) as { checks: { name: string; state: string; detail: string }[] };
    const states = Object.fromEntries(checks.map(({ name, state }) => [name, state]));
    expect(states).toMatchObject({
      nats: 'ok',
      streams: 'ok',
      'task registry': 'ok',
      'repo pool': 'ok',
      'artifact store': 'ok',
      runners: 'ok',
    });
  });

  it.each<[string, string[], () => Record<string, string>, RegExp]>([
    [
      'no certificate for the registry',
      ['list'],
      () => without(/REGISTRY_TLS_(CERT|KEY)/),
      /TASK_REGISTRY_TLS_CERT/,
    ],
    ['no TLS for the registry', ['list'], () => without(/REGISTRY_TLS_/), /TASK_REGISTRY_TLS_CA/],
    [
      'another authority for the registry',
      ['list'],
      () => ({ ...system.operator, TASK_REGISTRY_TLS_CA: new CertificateAuthority('Other').ca }),
      /does not come from an authority in TASK_REGISTRY_TLS_CA/,
    ],
    ['no certificate for NATS', ['dead', 'list'], () => without(/NATS_TLS_(CERT|KEY)/), /NATS_TLS_CERT/],
    ['no TLS for NATS', ['dead', 'list'], () => without(/NATS_TLS_/), /NATS_TLS_CA/],
    [
      'another authority for NATS',
      ['dead', 'list'],
      () => ({ ...system.operator, NATS_TLS_CA: new CertificateAuthority('Other').ca }),
      /does not come from an authority in NATS_TLS_CA/,
    ],
    [
      'no user for NATS',
      ['dead', 'list'],
      () => without(/NATS_(USER|PASSWORD)/),
      /NATS_USER and NATS_PASSWORD/,
    ],
    [
      'a certificate that has expired',
      ['list'],
      () => {
        const { cert, key } = system.authority.issue({ host: 'late', expired: true });
        return { ...system.operator, TASK_REGISTRY_TLS_CERT: cert, TASK_REGISTRY_TLS_KEY: key };
      },
      /^necro: TASK_REGISTRY_TLS_CERT: the certificate has expired\n$/,
    ],
    [
      'a host name that is not in the certificate',
      ['list'],
      () => ({
        ...system.operator,
        TASK_REGISTRY_URL: (system.operator.TASK_REGISTRY_URL ?? '').replace('127.0.0.1', 'localhost'),
      }),
      /another host name \(TASK_REGISTRY_TLS_CA/,
    ],
  ])('[AR-15.5] says in one line what is wrong: %s', async (_what, words, environment, told) => {
    const ran = await necro(words, environment());
    expect(ran).toMatchObject({ out: '' });
    expect([1, 2]).toContain(ran.exitCode);
    expect(ran.notes).toMatch(told);
    expect(ran.notes.trim().split('\n')).toHaveLength(1);
    expect(ran.notes).not.toContain('hidden-word');
  });

  it('[AR-10.2] lets an observer look, and neither submit nor take out dead letters', async () => {
    const observer = {
      ...without(/NATS_PASSWORD_FILE/),
      NATS_USER: 'observer',
      NATS_PASSWORD: system.passwords.observer ?? '',
    };
    expect(await necro(['dead', 'list'], observer)).toMatchObject({ exitCode: 0 });
    const file = join(tempDir('necrocode-task-'), 'task.json');
    const task = {
      spec_name: 's',
      task_id: '2',
      title: 't',
      description: 'd',
      repo_url: 'https://git.example/x.git',
    };
    writeFileSync(file, JSON.stringify(task));
    const submitted = await necro(['submit', file], observer);
    expect(submitted.exitCode).toBe(1);
    expect(submitted.notes).toBe(
      'necro: NATS does not let this user publish to necrocode.tasks.default.normal\n',
    );
  });
});
