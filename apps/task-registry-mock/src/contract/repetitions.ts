import type { Task } from '@necrocode/contracts';
import {
  changingMethods,
  hash,
  keyAndToken,
  newSpec,
  resultOf,
  taskOf,
  type ChangingMethod,
  type RegistryClient,
  type RegistryUnderTest,
} from './registry-client.js';

/** A call that is repeated with its idempotency key does nothing and answers as it did the first time. */
export function repetitionRules(client: () => RegistryClient, registry: () => RegistryUnderTest): void {
  it('[AR-15.4] answers each repeated call as the first one, also after a restart', async () => {
    const calls = await Promise.all(changingMethods.map((method) => prepare(client(), method)));
    const repeat = () => Promise.all(calls.map(({ method, request }) => client().send(method, request)));
    const histories = () =>
      Promise.all(
        calls.map(({ task }) =>
          client()
            .get(keyAndToken(task, 0n).key)
            .catch(() => undefined),
        ),
      );
    const first = await repeat();
    const before = await histories();
    expect(await repeat()).toEqual(first);
    expect(await histories()).toEqual(before);
    await registry().restart();
    client().reconnect();
    expect(await repeat()).toEqual(first);
    expect(await histories()).toEqual(before);
  });
}

interface Prepared {
  readonly method: ChangingMethod;
  readonly task: Task;
  readonly request: object;
}

/** A task in the state that the call needs, and the call. */
async function prepare(client: RegistryClient, method: ChangingMethod): Promise<Prepared> {
  const task = taskOf(newSpec(), '1');
  const fields = await fieldsOf[method](client, task);
  return { method, task, request: { idempotencyKey: `once-${task.spec_name}`, ...fields } };
}

type Fields = (client: RegistryClient, task: Task) => object | Promise<object>;

const held =
  (fields: object): Fields =>
  async (client, task) => {
    const { key, fencingToken } = await client.granted(task);
    return { key, fencingToken, ...fields };
  };

const fieldsOf: Readonly<Record<ChangingMethod, Fields>> = {
  registerRunner: () => ({ runnerId: 'runner-repeated' }),
  createTask: (_client, task) => ({ taskJson: JSON.stringify(task) }),
  claimTask: (_client, task) => ({
    runnerId: 'runner-1',
    leaseSeconds: 60,
    taskJson: JSON.stringify(task),
  }),
  renewLease: held({ leaseSeconds: 60 }),
  releaseLease: held({ reason: 'no_slot' }),
  saveCheckpoint: held({ checkpointJson: '{}' }),
  decideCommit: held({
    commit: { commit: hash('1'), tree: hash('2'), baseCommit: hash('3'), branch: 'b', filesChanged: [] },
  }),
  updateStatus: held({ stage: 'push' }),
  appendEvents: held({ events: [{ type: 'RoundEnded', dataJson: '{}' }] }),
  addArtifacts: held({
    artifacts: [{ type: 'diff', uri: 'artifact://a', sizeBytes: 1n, sha256: 'a'.repeat(64) }],
  }),
  reportResult: async (client, task) => {
    const { key, fencingToken } = await client.granted(task);
    return { key, fencingToken, resultJson: JSON.stringify(resultOf(task, 'done')) };
  },
  refuseTask: (_client, task) => ({
    runnerId: 'runner-1',
    ...keyAndToken(task, 0n),
    code: 'invalid_task',
    message: 'title: required',
    original: Buffer.from('{}'),
  }),
  parkTask: held({ reason: 'not today' }),
  unparkTask: async (client, task) => {
    const { key, fencingToken } = await client.granted(task);
    await client.park(key, fencingToken);
    return { key };
  },
  cancelTask: async (client, task) => ({ key: (await client.granted(task)).key }),
  retryTask: async (client, task) => {
    await client.run(task, 'failed');
    return keyAndToken(task, 0n);
  },
};
