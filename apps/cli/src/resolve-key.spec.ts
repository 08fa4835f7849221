import { taskRegistry, type TaskKey } from '@necrocode/contracts';
import { resolveKey } from './resolve-key.js';

const known: TaskKey[] = [
  { specName: 'chat-app', taskId: '1.1' },
  { specName: 'shop', taskId: '1.1' },
  { specName: 'shop', taskId: '2' },
];
const registry = {
  listTasks: ({ taskId }: { taskId?: string }) =>
    Promise.resolve(
      known.filter((key) => key.taskId === taskId).map((key) => taskRegistry.TaskRecord.fromPartial({ key })),
    ),
};

describe('resolveKey', () => {
  it('[AR-15.1] takes a whole key as it is, known or not', async () => {
    await expect(resolveKey('other/9', registry)).resolves.toEqual({ specName: 'other', taskId: '9' });
  });

  it('[AR-15.1] finds the spec of an id that is unique', async () => {
    await expect(resolveKey('2', registry)).resolves.toEqual({ specName: 'shop', taskId: '2' });
  });

  it('[AR-15.1] names the candidates of an id that is not', async () => {
    await expect(resolveKey('1.1', registry)).rejects.toMatchObject({
      message: 'several tasks are called 1.1: say which of chat-app/1.1, shop/1.1',
      exitCode: 2,
    });
  });

  it('[AR-15.1] says so when there is none', async () => {
    await expect(resolveKey('7', registry)).rejects.toMatchObject({ message: /no task 7/, exitCode: 1 });
  });

  it.each(['a/b/c', '../1', 'x y', '', '/1'])('[AR-1.2] refuses %p, which is no key', async (text) => {
    await expect(resolveKey(text, registry)).rejects.toMatchObject({ exitCode: 2 });
  });
});
