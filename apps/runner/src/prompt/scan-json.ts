import { JsonCursor, type StringToken } from './json-cursor.js';

/** How a value that starts somewhere in a text goes on. Offsets are UTF-16 and count from the text's start. */
export type JsonScan = { readonly keys: readonly string[] } & (
  | {
      readonly kind: 'complete';
      /** Just behind the closing bracket. */
      readonly end: number;
      readonly strings: readonly StringToken[];
      /** Slips in the punctuation (commas, comments, bare words) that have to be put right. */
      readonly slips: number;
    }
  /** The text ends inside the value. */
  | { readonly kind: 'unfinished'; readonly at: number; readonly what: string }
  | { readonly kind: 'fault'; readonly at: number; readonly end: number; readonly problem: string }
  | { readonly kind: 'too_large'; readonly at: number; readonly end: number; readonly problem: string }
);

const maxDepth = 64;
/** Objects and arrays of one answer: 10,000 changes with a good number of edits each. */
const maxContainers = 400_000;
/** Enough outer keys to recognise an answer by. */
const maxOuterKeys = 50;

const words = new Set(['true', 'false', 'null', 'True', 'False', 'None']);

interface Frame {
  readonly opener: '{' | '[';
  readonly opened: number;
  readonly keys: Set<string>;
  /** Whether a comma was the last thing seen. */
  afterComma: boolean;
}

type Expected = 'value' | 'value_or_end' | 'key_or_end' | 'colon' | 'comma_or_end';

/**
 * Walks over the object or array that starts at `start`, once and in linear time, tolerating slips whose
 * meaning is beyond doubt: comments, trailing commas, a missing comma at the end of a line, single quotes,
 * raw line ends in strings, bare keys, Python's constants. Whatever could mean two things is a fault: an
 * escape that JSON does not have, a quote inside a string, an elision, the same key twice.
 *
 * @param keep whether the string tokens are wanted
 */
export function scanJson(text: string, start: number, keep = false): JsonScan {
  const cursor = new JsonCursor(text, start);
  const stack: Frame[] = [];
  const strings: StringToken[] = [];
  const outerKeys: string[] = [];
  let containers = 0;
  let slips = 0;
  let expected: Expected = 'value';

  const fault = (problem: string, at = cursor.at): JsonScan => ({
    kind: 'fault',
    at,
    end: cursor.at,
    problem,
    keys: outerKeys,
  });
  const tooLarge = (problem: string): JsonScan => ({
    kind: 'too_large',
    at: cursor.at,
    end: cursor.at,
    problem,
    keys: outerKeys,
  });
  const unfinished = (at: number, what: string): JsonScan => ({
    kind: 'unfinished',
    at,
    what,
    keys: outerKeys,
  });

  for (;;) {
    const blank = cursor.skipBlank();
    if (blank.openComment !== undefined) return unfinished(blank.openComment, 'comment');
    slips += blank.comments;
    const frame = stack.at(-1);
    const char = text[cursor.at];
    if (char === undefined) {
      return unfinished(frame?.opened ?? start, frame?.opener === '[' ? 'array' : 'object');
    }

    if (char === '}' || char === ']') {
      if (!frame || (frame.opener === '{') !== (char === '}')) {
        return fault(`${JSON.stringify(char)} does not close what is open`);
      }
      if (expected === 'value' || expected === 'colon') return fault('a value is missing');
      if (frame.afterComma) slips += 1;
      cursor.at += 1;
      stack.pop();
      if (stack.length === 0) return { kind: 'complete', end: cursor.at, strings, slips, keys: outerKeys };
      expected = 'comma_or_end';
      continue;
    }

    switch (expected) {
      case 'comma_or_end': {
        if (char === ',') {
          cursor.at += 1;
          expected = frame?.opener === '{' ? 'key_or_end' : 'value_or_end';
          if (frame) frame.afterComma = true;
          continue;
        }
        const startsNext = frame?.opener === '{' ? char === '"' || char === "'" : char === '{';
        if (!blank.newline || !startsNext) {
          return fault(
            char === '"' || char === "'" || isWordStart(char)
              ? 'a comma is missing, or a quote inside the text before is not escaped'
              : `a comma or a closing bracket was expected, not ${JSON.stringify(char)}`,
          );
        }
        slips += 1;
        expected = frame?.opener === '{' ? 'key_or_end' : 'value_or_end';
        continue;
      }
      case 'colon':
        if (char !== ':') return fault(`":" was expected after the key, not ${JSON.stringify(char)}`);
        cursor.at += 1;
        expected = 'value';
        continue;
      case 'key_or_end': {
        const at = cursor.at;
        const key = char === '"' || char === "'" ? cursor.string() : cursor.bareKey();
        if (key.kind === 'open') return unfinished(at, 'string');
        if (key.kind === 'fault') return fault(key.problem, key.at);
        if (!key.strict) slips += 1;
        if (keep) strings.push(key);
        const name = key.value();
        if (frame) frame.afterComma = false;
        if (frame?.keys.has(name)) return fault(`the key ${JSON.stringify(name)} occurs twice`, at);
        frame?.keys.add(name);
        const outer = stack.length === 1 || (stack.length === 2 && stack[0]?.opener === '[');
        if (outer && outerKeys.length < maxOuterKeys) outerKeys.push(name);
        expected = 'colon';
        continue;
      }
      case 'value':
      case 'value_or_end': {
        if (frame) frame.afterComma = false;
        expected = 'comma_or_end';
        if (char === '{' || char === '[') {
          containers += 1;
          if (stack.length === maxDepth) return tooLarge(`it is nested more than ${maxDepth} levels deep`);
          if (containers > maxContainers)
            return tooLarge(`it holds more than ${maxContainers} objects and arrays`);
          stack.push({ opener: char, opened: cursor.at, keys: new Set(), afterComma: false });
          cursor.at += 1;
          expected = char === '{' ? 'key_or_end' : 'value_or_end';
        } else if (char === '"' || char === "'") {
          const at = cursor.at;
          const token = cursor.string();
          if (token.kind === 'open') return unfinished(at, 'string');
          if (token.kind === 'fault') return fault(token.problem, token.at);
          if (!token.strict) slips += 1;
          if (keep) strings.push(token);
        } else {
          const at = cursor.at;
          const word = cursor.word();
          if (!words.has(word) && !isNumber(word)) {
            return cursor.at >= text.length
              ? unfinished(at, 'value')
              : fault(
                  `a value was expected, not ${JSON.stringify(word === '' ? char : word.slice(0, 40))}`,
                  at,
                );
          }
          slips += word !== word.toLowerCase() ? 1 : 0;
        }
      }
    }
  }
}

function isWordStart(char: string): boolean {
  return /[\p{L}\p{N}_$]/u.test(char);
}

function isNumber(word: string): boolean {
  return word.length < 40 && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(word);
}
