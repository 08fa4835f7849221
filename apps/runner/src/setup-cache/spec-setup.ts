import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createLogger } from '@necrocode/telemetry';
import { tempDir } from '@necrocode/testkit';
import { BaseTree, createSlotDirectory, Git } from '@necrocode/workspace';
import type { SetupPlace } from '../pipeline/ports.js';
import { SetupCacheDirectory, type SetupCacheOptions } from './setup-cache.js';

/** For specs: a cache on disk and real slots of real commits. */
export class SpecSetup {
  readonly directory = join(tempDir('setup-cache-'), 'cache');
  private count = 0;

  cache(more: Partial<SetupCacheOptions> = {}): SetupCacheDirectory {
    return new SetupCacheDirectory({
      directory: this.directory,
      maxBytes: 50_000_000,
      maxAgeMs: 3_600_000,
      log: createLogger({ name: 'spec', level: 'silent' }),
      ...more,
    });
  }

  /** A slot at a commit of these files; a value that begins with `->` is a link. */
  async place(
    files: Readonly<Record<string, string>>,
    signal: SetupPlace['signal'] = new AbortController().signal,
  ): Promise<SetupPlace> {
    const repository = tempDir('setup-repository-');
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim();
    git('init', '--quiet');
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(repository, path)), { recursive: true });
      if (content.startsWith('->')) symlinkSync(content.slice(2), join(repository, path));
      else writeFileSync(join(repository, path), content);
    }
    git('add', '--all', '--force');
    git('-c', 'user.name=s', '-c', 'user.email=s', 'commit', '--quiet', '--allow-empty', '--message=base');
    const commit = git('rev-parse', 'HEAD');
    this.count += 1;
    const directory = join(tempDir('setup-slot-'), `slot-${this.count}`);
    const slot = await createSlotDirectory({ directory, borrowFrom: join(repository, '.git'), commit });
    const homeDir = join(directory, 'home');
    mkdirSync(homeDir);
    const slotGit = new Git(slot, { protocols: [] });
    const tree = await BaseTree.load(slotGit, commit);
    return { workTree: slot.workTree, homeDir, tree, git: slotGit, signal };
  }
}

/** A setup that is a shell script. */
export function install(place: SetupPlace, script: string): () => Promise<boolean> {
  return () => {
    execFileSync('sh', ['-ec', script], {
      cwd: place.workTree,
      env: { PATH: process.env.PATH, HOME: place.homeDir },
    });
    return Promise.resolve(true);
  };
}
