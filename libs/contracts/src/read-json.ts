/**
 * More than any task needs. A NATS server takes a megabyte in one message unless told otherwise, and a task
 * must fit together with its headers each time it is published again, and in a dead letter.
 */
export const mostTaskBytes = 786_432;
/** Of a larger one, up to here, only the key is read. */
const mostReadBytes = 8 * 1_048_576;
const mostDepth = 64;

export type ReadJson =
  | { readonly kind: 'document'; readonly document: unknown }
  /** `document`, where there is one, may be asked for its key and for nothing else. */
  | {
      readonly kind: 'unreadable';
      readonly field: string;
      readonly problem: string;
      readonly document?: unknown;
    };

/**
 * Reads JSON in UTF-8 that strangers wrote: of bounded size and depth, so that whoever walks over it comes to an
 * end, and without names that mean something to JavaScript itself.
 */
export function readJson(body: Uint8Array | string): ReadJson {
  const size = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  const tooLarge = unreadable('(body)', `has ${size} bytes; a task may have ${mostTaskBytes}`);
  if (size > mostReadBytes) return tooLarge;
  try {
    const text = typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body);
    // What is decoded above has lost its byte order mark.
    const document: unknown = JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text);
    if (size > mostTaskBytes) return { ...tooLarge, document };
    const objection = objectionTo(document);
    return objection ? { ...objection, document } : { kind: 'document', document };
  } catch (error) {
    if (size > mostTaskBytes) return tooLarge;
    const why = error instanceof Error ? error.message.slice(0, 120) : 'unreadable';
    return unreadable('(body)', `not JSON in UTF-8 (${why})`);
  }
}

type Unreadable = Extract<ReadJson, { kind: 'unreadable' }>;

const reservedNames: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Without recursion: the document may be deeper than the stack. */
function objectionTo(document: unknown): Unreadable | undefined {
  const waiting: { readonly value: unknown; readonly path: readonly string[] }[] = [
    { value: document, path: [] },
  ];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value, path } = next;
    if (value === null || typeof value !== 'object') continue;
    if (path.length === mostDepth) {
      return unreadable(path.slice(0, 3).join('.'), `is nested more than ${mostDepth} levels deep`);
    }
    for (const [name, inner] of Object.entries(value)) {
      if (!Array.isArray(value) && reservedNames.has(name)) {
        return unreadable([...path, name].join('.'), 'this name is not allowed');
      }
      if (inner !== null && typeof inner === 'object') waiting.push({ value: inner, path: [...path, name] });
    }
  }
  return undefined;
}

function unreadable(field: string, problem: string): Unreadable {
  return { kind: 'unreadable', field, problem };
}
