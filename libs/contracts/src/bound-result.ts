import { cutText } from './cut-text.js';
import type { TaskResult } from './result.js';

/** Of the text of an error or a warning, where a result has to be cut. */
const mostTextLength = 4_000;
const mostCommandLength = 1_000;

/**
 * A result that has at most so many bytes as JSON: where it has more, texts are cut, then lists are, the
 * longest first; `truncated` tells how many entries each of those had. What says how the run ended stays whole.
 *
 * @param mostBytes at least 16,384
 */
export function boundResult(result: TaskResult, mostBytes: number): TaskResult {
  if (sizeOf(result) <= mostBytes) return result;
  let bounded = cutTexts(result);
  for (let size = sizeOf(bounded); size > mostBytes; size = sizeOf(bounded)) {
    const longest = longestList(bounded);
    if (!longest) return bounded;
    bounded = cutList(bounded, longest, sizeOf(bounded[longest]) - (size - mostBytes));
  }
  return bounded;
}

const lists = ['files_changed', 'warnings', 'tests', 'artifacts'] as const;
type List = (typeof lists)[number];

function cutTexts(result: TaskResult): TaskResult {
  const { error, warnings, tests } = result;
  return {
    ...result,
    error: error && { ...error, message: cutText(error.message, mostTextLength) },
    ...(warnings && { warnings: warnings.map((warning) => cutText(warning, mostTextLength)) }),
    tests: tests.map((test) => ({ ...test, command: cutText(test.command, mostCommandLength) })),
  };
}

function longestList(result: TaskResult): List | undefined {
  const filled = lists.filter((list) => (result[list]?.length ?? 0) > 0);
  return filled.sort((a, b) => sizeOf(result[b]) - sizeOf(result[a]))[0];
}

/** Keeps the first entries that fit, and of a list that does not shrink otherwise none. */
function cutList(result: TaskResult, list: List, mostBytes: number): TaskResult {
  const entries: readonly unknown[] = result[list] ?? [];
  // For the count that is added.
  const room = mostBytes - 64;
  let used = 2;
  const fits = entries.findIndex((entry) => (used += sizeOf(entry) + 1) > room);
  const kept = entries.slice(0, fits === -1 ? entries.length - 1 : fits);
  const truncated = { [list]: entries.length, ...result.truncated };
  return { ...result, [list]: kept, truncated };
}

function sizeOf(value: unknown): number {
  return value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
}
