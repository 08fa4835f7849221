import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@necrocode/testkit';
import { Git } from './git.js';
import { GitDirSeal } from './git-dir-seal.js';
import { createSlotDirectory } from './slot-directory.js';

async function sealedSlot() {
  const directory = tempDir('seal-');
  const slot = await createSlotDirectory({ directory: join(directory, 'slot'), borrowFrom: directory });
  const seal = GitDirSeal.take(slot.gitDir);
  const shell = (script: string) => execFileSync('sh', ['-euc', script], { cwd: slot.gitDir, stdio: 'pipe' });
  const listing = () =>
    execFileSync('sh', ['-c', 'find . -type f -exec sha256sum {} + | sort; find . ! -type f | sort'], {
      cwd: slot.gitDir,
    }).toString();
  return { directory, slot, seal, shell, listing };
}

describe('GitDirSeal', () => {
  it.each([
    'echo "[core] fsmonitor = x" >> config',
    'rm config',
    'rm config; mkdir -p config/x',
    'rm config; mkfifo config',
    'echo /elsewhere > commondir',
    'echo /elsewhere > gitdir',
    'mkdir hooks; touch hooks/pre-push',
    'echo x > config.worktree',
    'echo "* filter=x" > info/attributes',
    'rm -r info; mkdir info',
    'echo /elsewhere/objects >> objects/info/alternates',
    'rm objects/info/alternates',
    'echo http://x > objects/info/http-alternates',
    'mkdir -p worktrees/x modules/y remotes branches',
  ])('[AR-10.4] undoes %j', async (script) => {
    const { seal, shell, listing } = await sealedSlot();
    seal.restore();
    const before = listing();
    shell(script);
    if (!script.startsWith('rm -r info')) expect(listing()).not.toBe(before);
    seal.restore();
    expect(listing()).toBe(before);
  });

  it('[AR-10.4] writes through no link and no second name', async () => {
    const { directory, slot, seal, shell } = await sealedSlot();
    const precious = join(directory, 'precious');
    for (const way of [`rm config; ln -s ${precious} config`, `rm config; ln ${precious} config`]) {
      writeFileSync(precious, 'precious');
      shell(way);
      seal.restore();
      expect(readFileSync(precious, 'utf8')).toBe('precious');
      expect(lstatSync(join(slot.gitDir, 'config')).nlink).toBe(1);
    }
  });

  it('[AR-10.4] uses no git dir that something else has taken the place of', async () => {
    const { directory, slot, seal, shell } = await sealedSlot();
    shell(`mv ../git ${directory}/moved; ln -s ${directory}/moved ../git`);
    const git = new Git(slot, { protocols: [], seal });
    await expect(git.pipe(['for-each-ref'])).rejects.toMatchObject({ code: 'workspace_failed' });
    await expect(git.run('for-each-ref')).rejects.toMatchObject({ code: 'workspace_failed' });
  });
});
