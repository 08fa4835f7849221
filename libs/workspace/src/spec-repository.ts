import { createHash } from 'node:crypto';
import { lstat, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Git } from './git.js';
import { createSlotDirectory } from './slot-directory.js';

/** A file of a recorded commit. The path may be bytes, for names that are not UTF-8. */
export interface RecordedFile {
  readonly path: string | Buffer;
  readonly mode?: string;
  /** Content; the commit id for mode 160000. */
  readonly content: string | Buffer;
}

/** For specs: a real git dir and work tree in a directory that is removed afterwards. */
export class SpecRepository implements AsyncDisposable {
  private constructor(
    readonly directory: string,
    readonly workTree: string,
    readonly git: Git,
  ) {}

  static async create(): Promise<SpecRepository> {
    const directory = await mkdtemp(join(tmpdir(), 'workspace-spec-'));
    const slot = await createSlotDirectory({ directory: join(directory, 'slot') });
    const git = new Git({ gitDir: slot.gitDir, workTree: slot.workTree }, { protocols: ['file', 'http'] });
    return new SpecRepository(directory, slot.workTree, git);
  }

  /** Records whole trees, each on top of the one before, and returns the commits. */
  async record(trees: readonly (readonly RecordedFile[])[], branch = 'recorded'): Promise<string[]> {
    const parts: Buffer[] = [Buffer.from('feature done\n')];
    for (const [index, files] of trees.entries()) {
      parts.push(
        Buffer.from(
          `commit refs/heads/${branch}\nmark :${index + 1}\ncommitter R <r@example.org> ${index} +0000\ndata 1\nm\n`,
        ),
      );
      parts.push(Buffer.from('deleteall\n'));
      for (const { path, mode = '100644', content } of files)
        parts.push(...modification(path, mode, content));
    }
    for (const index of trees.keys()) parts.push(Buffer.from(`get-mark :${index + 1}\n`));
    parts.push(Buffer.from('done\n'));
    const output = await this.git.pipe(['fast-import', '--quiet', '--done', '--force'], parts);
    return output.toString('latin1').trim().split('\n');
  }

  async treeOf(commit: string): Promise<string> {
    return (await this.git.pipe(['rev-parse', `${commit}^{tree}`])).toString().trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }
}

function modification(path: string | Buffer, mode: string, content: string | Buffer): Buffer[] {
  const quoted = [...Buffer.from(path)].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  if (mode === '160000') return [Buffer.from(`M 160000 ${content.toString()} "${quoted}"\n`)];
  const bytes = Buffer.from(content);
  return [Buffer.from(`M ${mode} inline "${quoted}"\ndata ${bytes.length}\n`), bytes, Buffer.from('\n')];
}

/**
 * Every file below a directory as "mode blob-id", by path (one character per byte, since names need
 * not be UTF-8). An empty directory is listed with a "/" at its end.
 */
export async function filesOnDisk(directory: string | Buffer, prefix = ''): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const name of await readdir(directory, { encoding: 'buffer' })) {
    const full = Buffer.concat([Buffer.from(directory), Buffer.from('/'), name]);
    const path = prefix + name.toString('latin1');
    const stats = await lstat(full);
    if (stats.isDirectory()) {
      const below = await filesOnDisk(full, `${path}/`);
      if (below.size === 0) found.set(`${path}/`, 'empty');
      for (const [inner, value] of below) found.set(inner, value);
    } else if (stats.isSymbolicLink()) {
      found.set(path, fileState('120000', await readlink(full, { encoding: 'buffer' })));
    } else {
      found.set(path, fileState(stats.mode & 0o100 ? '100755' : '100644', await readFile(full)));
    }
  }
  return found;
}

/** What `filesOnDisk` has to find for a recorded tree without submodules. */
export function expectedOnDisk(files: readonly RecordedFile[]): Map<string, string> {
  return new Map(
    files.map(({ path, mode = '100644', content }) => [
      Buffer.from(path).toString('latin1'),
      fileState(mode, Buffer.from(content)),
    ]),
  );
}

function fileState(mode: string, bytes: Buffer): string {
  return `${mode} ${createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex')}`;
}
