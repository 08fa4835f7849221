import { similarPaths } from '@necrocode/workspace';
import { estimateTokens } from '@necrocode/llm';
import { whyHidden, whyPathHidden } from '../prompt/choose-files.js';
import { tellFiles } from '../prompt/feedback.js';
import type { ShownFile } from '../prompt/select-files.js';
import type { Round, RoundScene } from './round.js';
import { contentsOf } from './stale-view.js';

/** Answers a request for files: what the model sees already is not sent again, and what cannot be shown is said. */
export async function showFiles(
  wanted: readonly string[],
  { current, dialogue, ignores, tellTokens }: RoundScene,
): Promise<Round> {
  const paths = [...new Set(wanted)];
  const isKnown = (path: string) => {
    const shown = dialogue.lastShown(path);
    return shown !== undefined && shown === current.contentId(path);
  };
  const hidingOf = (path: string) => whyPathHidden(path, ignores);
  const contents = await current.read(paths.filter((path) => !hidingOf(path) && !isKnown(path)));
  const files: ShownFile[] = [];
  const notShown: string[] = [];
  let left = tellTokens;
  for (const path of paths) {
    const bytes = contents.get(path);
    const text = bytes && !whyHidden(bytes) ? new TextDecoder().decode(bytes) : undefined;
    const cost = estimateTokens(text ?? '');
    if (text !== undefined && cost <= left) {
      left -= cost;
      files.push({ path, text });
    } else notShown.push(`- ${JSON.stringify(path)} ${reasonFor(path)}`);
  }

  function reasonFor(path: string): string {
    const hiding = hidingOf(path);
    if (hiding && current.has(path)) return `is not shown: ${hiding.why}`;
    if (isKnown(path)) return 'has been shown to you already; it has not changed';
    const bytes = contents.get(path);
    if (!bytes) return whyAbsent(path);
    const content = whyHidden(bytes);
    if (content) return `is not shown: ${content.why}`;
    return `is too large to be shown here (${bytes.length} bytes)`;
  }

  function whyAbsent(path: string): string {
    if (current.isDirectory(path)) return 'is a directory; ask for its files';
    if (current.has(path)) return 'is a submodule, which has no text';
    const similar = similarPaths(path, current.paths()).map((other) => JSON.stringify(other));
    return `does not exist${similar.length > 0 ? `; similar paths: ${similar.join(', ')}` : ''}`;
  }

  return {
    kind: 'wants_files',
    change: current,
    tell: tellFiles(files, notShown),
    shows: contentsOf(
      current,
      files.map(({ path }) => path),
    ),
  };
}
