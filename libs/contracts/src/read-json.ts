/** More than any task needs; a NATS server takes a megabyte in one message unless told otherwise. */
export const mostTaskBytes = 1_048_576;
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
  if (size > mostTaskBytes) {
    return unreadable('(body)', `has ${size} bytes; more than ${mostTaskBytes} are not read`);
  }
  try {
    const text = typeof body === 'string' ? body : new TextDecoder('utf-8', { fatal: true }).decode(body);
    const document: unknown = JSON.parse(text);
    const objection = objectionTo(document);
    return objection ? { ...objection, document } : { kind: 'document', document };
  } catch (error) {
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
