import type { Change } from '@necrocode/contracts';
import { findTokens, maskReplacement, type Mask } from '@necrocode/telemetry';
import type { ChangedTree, ChangeProblem, ProblemReason } from '@necrocode/workspace';

/** Whether a change may bring in a text that looks like a token. */
export type TokensInChanges = 'refuse' | 'allow';

interface Watch {
  readonly mask: Mask;
  readonly tokensInChanges: TokensInChanges;
}

/**
 * What speaks against the files that an answer leads to: a secret of the runner in any spelling, in content
 * or name; a text with the form of a token that none of these files had in the base; and the mark that the
 * model was shown in place of one, which would overwrite it.
 */
export async function objectToSecrets(
  tree: ChangedTree,
  changes: readonly Change[],
  { mask, tokensInChanges }: Watch,
): Promise<ChangeProblem[]> {
  const written = [...tree.overlay].flatMap(([path, entry]) =>
    entry.kind === 'blob' ? [{ path, bytes: entry.bytes }] : [],
  );
  const base = await tree.base.read(tree.overlay.keys());
  const known = new Set([...base.values()].flatMap((bytes) => findTokens(bytes).map(({ text }) => text)));
  const problems: ChangeProblem[] = [];
  for (const { path, bytes } of written) {
    const object = (reason: ProblemReason, message: string) =>
      problems.push({ ...placeOf(path, changes), reason, message });
    if (mask.holdsSecret(bytes) || mask.holdsSecret(path)) {
      object('secret', 'it holds a secret of the runner. Never write credentials');
      continue;
    }
    const tokens = [...findTokens(bytes), ...findTokens(Buffer.from(path))];
    const token = tokens.find(({ vague, text }) => !vague && !known.has(text));
    if (token && tokensInChanges === 'refuse') {
      const instead = 'Take it from the environment; a test makes one up from parts when it runs';
      object('token', `it holds what looks like ${token.kind}. ${instead}`);
    }
    const source = tree.history.origins.get(path) ?? path;
    if (overwritesHidden(bytes, base.get(path) ?? base.get(source), mask)) {
      const instead = 'Leave the line where you see it as it is, by edits around it';
      object('masked', `"${maskReplacement}" stands for a text that you are not shown. ${instead}`);
    }
  }
  return problems;
}

/** Whether marks come in where the base has something that the model saw as a mark. */
function overwritesHidden(bytes: Buffer, base: Buffer | undefined, mask: Mask): boolean {
  if (!base) return false;
  const marks = marksIn(base);
  return marksIn(bytes) > marks && marksIn(mask.bytes(base)) > marks;
}

function marksIn(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(maskReplacement); at >= 0; at = bytes.indexOf(maskReplacement, at + 1))
    count += 1;
  return count;
}

/** The change that led to a file. */
function placeOf(
  path: string,
  changes: readonly Change[],
): Pick<ChangeProblem, 'file_path' | 'operation' | 'index'> {
  const target = (change: Change) => (change.operation === 'rename' ? change.new_path : change.file_path);
  const index = Math.max(
    0,
    changes.findLastIndex((change) => target(change) === path),
  );
  return { file_path: path, operation: changes[index]?.operation ?? 'modify', index };
}
