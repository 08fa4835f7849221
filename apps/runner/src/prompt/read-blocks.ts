import { cutOff, unreadable, type Unreadable } from './answer-fault.js';
import { isFenced, mayBeFenced } from './block-markers.js';
import { splitBlocks, type Block } from './split-blocks.js';

export { hasBlocks } from './split-blocks.js';

export interface BlocksRead {
  /** In the form of the contract's answer, not yet checked by its schema. */
  readonly value: unknown;
  readonly recovered: readonly string[];
}

interface FileChange {
  readonly file_path: string;
  readonly operation: string;
  readonly new_path?: string;
  readonly content?: string;
  readonly edits?: { search: string; replace: string }[];
  readonly executable?: boolean;
  readonly encoding?: 'base64';
}

/**
 * Reads an answer in the form `blocks` (see systemPromptFor). Text outside the blocks is not looked at.
 * Edits of the same file that follow one another become one change.
 */
export function readBlocks(text: string): BlocksRead | Unreadable {
  const split = splitBlocks(text);
  if ('kind' in split) return split.kind === 'cut_off' ? cutOff(split.fact) : notBlocks(split.problem);
  const changes: FileChange[] = [];
  const needs: string[] = [];
  let explanation: string | undefined;
  for (const block of split.blocks) {
    const fault = faultOf(block);
    if (fault) return unreadable('wrong_shape', `Line ${block.line} of your answer: ${fault}.`);
    if (block.word === 'needs') needs.push(...block.paths);
    else if (block.word === 'explanation') explanation = (explanation ?? '') + (block.texts[0] ?? '');
    else if (!mergedEdit(changes.at(-1), block)) changes.push(changeOf(block));
  }
  const value = {
    code_changes: changes,
    ...(needs.length > 0 && { needs_files: needs }),
    ...(explanation !== undefined && { explanation }),
  };
  return { value, recovered: [] };
}

function notBlocks(problem: string): Unreadable {
  return unreadable('wrong_shape', `Your answer is not of the asked-for form: ${problem}.`);
}

function faultOf({ word, paths, texts, options }: Block): string | undefined {
  const [path = '', newPath] = paths;
  if (word === 'needs' || word === 'explanation') {
    return options.size > 0 ? `${word} takes no options` : undefined;
  }
  if (path === '') return `${word} needs a path`;
  if (newPath !== undefined && (word === 'create' || word === 'delete')) {
    return `${word} takes one path; a path that holds " -> " is written in double quotes`;
  }
  if (word === 'rename' && newPath === undefined) return 'rename needs two paths: old -> new';
  if (options.has('base64') && word !== 'create' && word !== 'write')
    return 'base64 goes with create and write only';
  if (word === 'delete' && options.size > 0) return 'delete takes no options';
  if (word === 'edit' && texts[0] === '') return 'the text to search for is empty';
  const whole = word === 'create' || word === 'write';
  if (whole && !options.has('verbatim') && !mayBeFenced(newPath ?? path) && isFenced(texts[0] ?? '')) {
    return 'the content is wrapped in ``` lines, which would be written into the file; leave them out (or say verbatim, if they are meant)';
  }
  return undefined;
}

function changeOf(block: Block): FileChange {
  const [path = '', newPath] = block.paths;
  const [first = '', second = ''] = block.texts;
  const { word, options } = block;
  const moves = newPath !== undefined;
  return {
    file_path: path,
    operation: moves ? 'rename' : word === 'write' || word === 'edit' ? 'modify' : word,
    ...(moves && { new_path: newPath }),
    ...((word === 'create' || word === 'write') && {
      content: options.has('base64') ? first.replace(/\s+/g, '') : first,
    }),
    ...(word === 'edit' && { edits: [{ search: first, replace: second }] }),
    ...executableOf(block),
    ...(options.has('base64') && { encoding: 'base64' as const }),
  };
}

function executableOf({ options }: Block): { executable?: boolean } {
  if (options.has('executable')) return { executable: true };
  return options.has('not-executable') ? { executable: false } : {};
}

/** Adds an edit to the edits of the same file just before it. */
function mergedEdit(last: FileChange | undefined, block: Block): boolean {
  if (block.word !== 'edit' || !last?.edits) return false;
  const next = changeOf(block);
  const same = last.file_path === next.file_path && last.new_path === next.new_path;
  const agrees = next.executable === undefined || next.executable === last.executable;
  if (!same || !agrees) return false;
  last.edits.push(...(next.edits ?? []));
  return true;
}
