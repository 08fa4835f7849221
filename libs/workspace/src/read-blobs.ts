import { RunnerError } from '@necrocode/contracts';
import type { Git } from './git.js';

/**
 * Contents of blobs by object id, with one `cat-file --batch` for all of them. An id that the
 * repository does not hold throws `git_failed`: ids come from trees, so the repository is damaged.
 */
export async function readBlobs(git: Git, ids: Iterable<string>): Promise<ReadonlyMap<string, Buffer>> {
  const wanted = [...new Set(ids)];
  const contents = new Map<string, Buffer>();
  if (wanted.length === 0) return contents;
  const output = await git.pipe(['cat-file', '--batch'], [wanted.join('\n'), '\n']);
  let position = 0;
  for (const id of wanted) {
    const endOfHeader = output.indexOf(0x0a, position);
    const [found, type, size] = output.toString('latin1', position, endOfHeader).split(' ');
    if (found !== id || type !== 'blob') throw new RunnerError('git_failed', `object ${id} cannot be read`);
    const start = endOfHeader + 1;
    const end = start + Number(size);
    contents.set(id, output.subarray(start, end));
    position = end + 1;
  }
  return contents;
}
