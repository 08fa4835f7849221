import type { Answer, Change } from '@necrocode/contracts';
import { decodePath, recordsOf, type EntryMode } from './base-tree.js';
import { translateGitError } from './git-errors.js';
import type { Git } from './git.js';
import { problemWithPath } from './path-rules.js';
import { readBlobs } from './read-blobs.js';

export type AnswerOfCommit =
  | {
      readonly kind: 'answer';
      /** The commit's first parent, to which the answer applies, and the tree that it has to end in. */
      readonly parent: string;
      readonly tree: string;
      readonly answer: Answer;
    }
  | {
      readonly kind: 'not_expressible';
      readonly reasons: readonly { readonly path: string; readonly reason: string }[];
    };

/**
 * A recorded commit as the answer that a model would have given for it: whole contents, base64 where
 * they are not UTF-8. What the answer format cannot say (new symbolic links and submodules, odd
 * paths) is named instead.
 *
 * @param renames whether git looks for renames, which are otherwise a deletion and a creation
 */
export async function answerOfCommit(
  git: Git,
  commit: string,
  { renames = true } = {},
): Promise<AnswerOfCommit> {
  const ids = await idsOf(git, commit);
  if (!ids) return { kind: 'not_expressible', reasons: [{ path: '', reason: 'the commit has no parent' }] };
  const raw = await git.pipe([
    'diff-tree',
    '-r',
    '-z',
    renames ? '-M' : '--no-renames',
    ids.parent,
    ids.tree,
    '--',
  ]);
  const differences = [...parseRaw(raw)];
  const reasons = differences.flatMap((difference) => {
    const reason = whyNot(difference);
    return reason === undefined ? [] : [{ path: difference.path, reason }];
  });
  if (reasons.length > 0) return { kind: 'not_expressible', reasons };
  const blobs = await readBlobs(
    git,
    differences.filter(givesContent).map(({ newId }) => newId),
  );
  const code_changes = differences.flatMap((difference) =>
    changesFor(difference, blobs.get(difference.newId)),
  );
  return { kind: 'answer', ...ids, answer: { code_changes } };
}

async function idsOf(git: Git, commit: string): Promise<{ parent: string; tree: string } | undefined> {
  let output: Buffer;
  try {
    output = await git.pipe(['show', '-s', '--format=%T %P', commit, '--']);
  } catch (error) {
    throw translateGitError(error, { action: 'build' });
  }
  const [tree, parent] = output.toString('latin1').trim().split(' ');
  return tree && parent ? { parent, tree } : undefined;
}

interface Difference {
  readonly status: string;
  readonly oldMode: EntryMode | '000000';
  readonly newMode: EntryMode | '000000';
  readonly oldId: string;
  readonly newId: string;
  readonly path: string;
  readonly newPath: string;
  readonly readable: boolean;
}

/** Records of `diff-tree -r -z`: `:<modes> <ids> <status>`, then one path, or two for a rename. */
function* parseRaw(raw: Buffer): Generator<Difference> {
  const fields = recordsOf(raw);
  for (let head = fields.next(); !head.done; head = fields.next()) {
    const [oldMode, newMode, oldId, newId, status] = head.value.toString('latin1').slice(1).split(' ');
    const path = fields.next().value as Buffer;
    const newPath = status?.startsWith('R') ? (fields.next().value as Buffer) : path;
    const readable = [path, newPath].every((name) => decodePath(name) !== undefined);
    yield {
      status: status?.[0] ?? '',
      oldMode: oldMode as EntryMode,
      newMode: newMode as EntryMode,
      oldId: oldId ?? '',
      newId: newId ?? '',
      path: path.toString('utf8'),
      newPath: newPath.toString('utf8'),
      readable,
    };
  }
}

function whyNot({ status, newMode, oldId, newId, path, newPath, readable }: Difference): string | undefined {
  if (!readable) return 'the name is not valid UTF-8';
  const problem = problemWithPath(path) ?? problemWithPath(newPath);
  if (problem) return problem;
  const regular = newMode === '100644' || newMode === '100755';
  if (regular || status === 'D' || (status === 'R' && oldId === newId)) return undefined;
  return newMode === '160000' ? 'a submodule is added or changed' : 'a symbolic link is added or changed';
}

function givesContent({ status, oldId, newId }: Difference): boolean {
  return status !== 'D' && !(status === 'R' && oldId === newId);
}

function changesFor(difference: Difference, bytes: Buffer | undefined): Change[] {
  const { status, path: file_path, newPath: new_path, oldMode, newMode } = difference;
  const mode =
    oldMode === newMode || newMode === '120000' || newMode === '160000'
      ? {}
      : { executable: newMode === '100755' };
  const content = bytes === undefined ? {} : contentAs(bytes);
  switch (status) {
    case 'D':
      return [{ operation: 'delete', file_path }];
    case 'R':
      return [{ operation: 'rename', file_path, new_path, ...content, ...mode }];
    case 'M':
      return [{ operation: 'modify', file_path, ...content, ...mode }];
    case 'T':
      return [
        { operation: 'delete', file_path },
        { operation: 'create', file_path, content: '', ...content, executable: newMode === '100755' },
      ];
    default:
      return [{ operation: 'create', file_path, content: '', ...content, executable: newMode === '100755' }];
  }
}

function contentAs(bytes: Buffer): { content: string; encoding?: 'base64' } {
  try {
    return { content: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch {
    return { content: bytes.toString('base64'), encoding: 'base64' };
  }
}
