import type { Task } from '@necrocode/contracts';
import {
  hash,
  keyAndToken,
  newSpec,
  resultOf,
  taskOf,
  type ChangingMethod,
  type RegistryClient,
} from './registry-client.js';

/** Calls on behalf of an attempt, each with what it needs besides key and token. */
const fenced: Readonly<Partial<Record<ChangingMethod, (task: Task) => object>>> = {
  renewLease: () => ({ leaseSeconds: 60 }),
  releaseLease: () => ({ reason: 'shutting_down' }),
  saveCheckpoint: () => ({ checkpointJson: '{}' }),
  decideCommit: () => ({
    commit: { commit: hash('1'), tree: hash('2'), baseCommit: hash('3'), branch: 'b', filesChanged: [] },
  }),
  updateStatus: () => ({ stage: 'push' }),
  appendEvents: () => ({ events: [{ type: 'RoundEnded', dataJson: '{}' }] }),
  addArtifacts: () => ({
    artifacts: [{ type: 'diff', uri: 'artifact://a', sizeBytes: 1n, sha256: 'a'.repeat(64) }],
  }),
  reportResult: (task) => ({ resultJson: JSON.stringify(resultOf(task, 'done')) }),
  parkTask: () => ({ reason: 'not today' }),
};

const lost = /FAILED_PRECONDITION/;

/** A writer that has been overtaken changes nothing, whatever it calls. */
export function fencingRules(client: () => RegistryClient): void {
  describe.each(Object.entries(fenced) as [ChangingMethod, (task: Task) => object][])(
    '%s',
    (method, fields) => {
      const send = (task: Task, fencingToken: bigint) =>
        client().send(method, { ...keyAndToken(task, fencingToken), ...fields(task) });

      it('[AR-14.3] refuses every token but the current one', async () => {
        const task = taskOf(newSpec(), '1');
        const first = await client().granted(task);
        await client().release(first);
        const { key, fencingToken } = await client().granted(task, { runnerId: 'runner-2' });
        const before = await client().get(key);
        for (const token of [first.fencingToken, fencingToken - 1n, fencingToken + 1n, 0n]) {
          await expect(send(task, token)).rejects.toThrow(lost);
        }
        expect(await client().get(key)).toEqual(before);
        await send(task, fencingToken);
      });

      it('[AR-14.3] refuses the last token once its lease has ended', async () => {
        const task = taskOf(newSpec(), '1');
        const held = await client().granted(task);
        await client().release(held);
        const before = await client().get(held.key);
        await expect(send(task, held.fencingToken)).rejects.toThrow(lost);
        expect(await client().get(held.key)).toEqual(before);
      });

      it('[AR-15.1] says NOT_FOUND for a task that it does not know, and names a key that is missing', async () => {
        await expect(send(taskOf(newSpec(), '1'), 1n)).rejects.toThrow(/NOT_FOUND/);
        const keyless = { fencingToken: 1n, ...fields(taskOf(newSpec(), '1')) };
        await expect(client().send(method, keyless)).rejects.toThrow(/INVALID_ARGUMENT.*key/);
      });
    },
  );
}
