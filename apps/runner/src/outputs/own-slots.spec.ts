import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { RunnerError } from '@necrocode/contracts';
import { tempDir } from '@necrocode/testkit';
import { OwnSlots } from './own-slots.js';

const seed = { mirrorUrl: 'https://git.example/x.git', tip: '' };

/** Rooms as directories, of which the spec sees which are there. */
function rooms() {
  const directory = tempDir();
  let made = 0;
  return {
    directory,
    openRoom: () => {
      const room = join(directory, String((made += 1)));
      mkdirSync(join(room, 'tree'), { recursive: true });
      return Promise.resolve({
        directory: room,
        [Symbol.asyncDispose]: () => Promise.resolve(rmSync(room, { recursive: true })),
      });
    },
  };
}

describe("slots on the runner's own disk", () => {
  it('[AR-2.1] are made for a lease and gone after it', async () => {
    const directory = join(tempDir(), 'slots');
    const slots = new OwnSlots(directory, {});
    const { workTree, gitDir } = await slots.make(seed, 'lease-1');
    expect([workTree, gitDir]).toEqual([join(directory, 'lease-1/tree'), join(directory, 'lease-1/git')]);
    expect([existsSync(workTree), existsSync(gitDir)]).toEqual([true, true]);
    await slots.remove('lease-1');
    await slots.remove('lease-1');
    expect(readdirSync(directory)).toEqual([]);
  });

  it("[AR-10.4] lie in a room of the sandbox but for what is the runner's alone", async () => {
    const directory = join(tempDir(), 'slots');
    const sandbox = rooms();
    const slots = new OwnSlots(directory, sandbox);
    const { workTree, gitDir } = await slots.make(seed, 'lease-1');
    expect([workTree, gitDir]).toEqual([join(sandbox.directory, '1/tree'), join(directory, 'lease-1/git')]);
    await slots.remove('lease-1');
    expect([readdirSync(sandbox.directory), readdirSync(directory)]).toEqual([[], []]);
  });

  it('[AR-2.4] give the room back when the slot cannot be made', async () => {
    const directory = join(tempDir(), 'slots');
    const sandbox = rooms();
    const slots = new OwnSlots(directory, sandbox);
    mkdirSync(join(directory, 'lease-1'), { recursive: true });
    await expect(slots.make(seed, 'lease-1')).rejects.toBeInstanceOf(RunnerError);
    expect(readdirSync(sandbox.directory)).toEqual([]);
  });

  it('[AR-2.4] of a runner that was killed are deleted by the next', async () => {
    const directory = join(tempDir(), 'slots');
    await new OwnSlots(directory, {}).make(seed, 'lease-1');
    await new OwnSlots(directory, {}).clear();
    expect(existsSync(directory)).toBe(false);
  });
});
