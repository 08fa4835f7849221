import { endOf, quoted } from './answer-fault.js';
import { isRecord, roleOfKeys } from './answer-words.js';
import type { Document } from './find-documents.js';

/**
 * The documents that count: bare changes that follow one another (JSON Lines) are one list, repeated
 * answers count once, and an empty one beside a full one not at all (it shows the form).
 */
export function siftDocuments(documents: readonly Document[], text: string): Document[] {
  const joined = runsOfChanges(documents, text).map(joinRun);
  if (joined.length < 2) return joined;
  const unique = distinct(joined);
  const full = unique.filter(({ value }) => !isEmptyAnswer(value));
  return full.length > 0 ? full : unique.slice(0, 1);
}

/** What behind the last document announces another one, so that something is missing. */
export function announcedEnd(text: string, end: number): string | undefined {
  const tail = text.slice(end);
  let open: string | undefined;
  for (const line of tail.split('\n')) {
    const fence = /^\s*(?:```|~~~)\s*(\S*)/.exec(line);
    if (fence) open = fence[1] ? line.trim() : undefined;
  }
  if (open !== undefined) return `the block that ${quoted(open)} opens has no end`;
  return tail.trimEnd().endsWith(':') ? `nothing follows the colon ${endOf(text)}` : undefined;
}

/** Bare changes with nothing between them but white space or a comma stand together. */
function runsOfChanges(documents: readonly Document[], text: string): [Document, ...Document[]][] {
  const runs: [Document, ...Document[]][] = [];
  for (const document of documents) {
    const run = runs.at(-1);
    const last = run?.at(-1);
    const both = document.role === 'change' && last?.role === 'change';
    if (run && both && /^[\s,]*$/.test(text.slice(last.end, document.start))) run.push(document);
    else runs.push([document]);
  }
  return runs;
}

function joinRun(run: readonly [Document, ...Document[]]): Document {
  const [first, ...others] = distinct(run);
  if (!first || others.length === 0) return run[0];
  return {
    ...first,
    end: run.at(-1)?.end ?? first.end,
    role: 'changes',
    value: [first, ...others].map(({ value }) => value),
    repaired: run.some(({ repaired }) => repaired),
  };
}

function distinct(documents: readonly Document[]): Document[] {
  const unique = new Map<string, Document>();
  for (const document of documents) {
    const key = JSON.stringify(document.value);
    if (!unique.has(key)) unique.set(key, document);
  }
  return [...unique.values()];
}

function isEmptyAnswer(value: unknown): boolean {
  if (!isRecord(value) || roleOfKeys(Object.keys(value)) !== 'answer') return false;
  return Object.values(value).every((field) => !isRecord(field) && !hasItems(field));
}

function hasItems(field: unknown): boolean {
  return Array.isArray(field) && field.length > 0;
}
