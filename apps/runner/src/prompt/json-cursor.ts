/** A string or a bare key, with its quotes. */
export interface StringToken {
  readonly kind: 'string';
  readonly start: number;
  readonly end: number;
  /** Whether strict JSON would take it as it stands. */
  readonly strict: boolean;
  value(): string;
}

export type Token =
  | StringToken
  /** The text ends before the string does. */
  | { readonly kind: 'open' }
  | { readonly kind: 'fault'; readonly at: number; readonly problem: string };

export interface Blank {
  readonly newline: boolean;
  readonly comments: number;
  /** Where a block comment starts that does not end. */
  readonly openComment?: number;
}

const backslash = 0x5c;
const simpleEscapes: Readonly<Record<string, string>> = {
  '"': '"',
  "'": "'",
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** A place in a text that only moves forward, over the tokens of lenient JSON. */
export class JsonCursor {
  constructor(
    private readonly text: string,
    public at: number,
  ) {}

  /** White space and comments. */
  skipBlank(): Blank {
    const { text } = this;
    let newline = false;
    let comments = 0;
    for (;;) {
      const char = text[this.at];
      if (char === '\n' || char === '\r') newline = true;
      if (char === ' ' || char === '\t' || char === '\n' || char === '\r' || char === '\u00a0') {
        comments += char === '\u00a0' ? 1 : 0;
        this.at += 1;
      } else if (char === '/' && text[this.at + 1] === '/') {
        const end = text.indexOf('\n', this.at);
        this.at = end < 0 ? text.length : end;
        comments += 1;
      } else if (char === '/' && text[this.at + 1] === '*') {
        const end = text.indexOf('*/', this.at + 2);
        if (end < 0) {
          const openComment = this.at;
          this.at = text.length;
          return { newline, comments, openComment };
        }
        this.at = end + 2;
        comments += 1;
      } else return { newline, comments };
    }
  }

  /** The string whose quote stands here, double or single. */
  string(): Token {
    const { text } = this;
    const start = this.at;
    const quote = text.charCodeAt(start);
    let strict = quote === 0x22;
    let escapes = false;
    for (let at = start + 1; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === quote) {
        this.at = at + 1;
        const end = this.at;
        const value = () =>
          escapes ? decode(text.slice(start + 1, end - 1)) : text.slice(start + 1, end - 1);
        return { kind: 'string', start, end, strict, value };
      }
      if (code < 0x20) strict = false;
      if (code !== backslash) continue;
      escapes = true;
      at += 1;
      const escaped = text[at];
      if (escaped === undefined) break;
      if (escaped === "'") strict = false;
      const fault = escaped === 'u' ? unicodeFault(text, at) : simpleEscapeFault(escaped);
      if (fault === 'open') break;
      if (fault === undefined) continue;
      this.at = at;
      return { kind: 'fault', at: at - 1, problem: fault };
    }
    this.at = text.length;
    return { kind: 'open' };
  }

  /** A key without quotes, as JavaScript allows it. */
  bareKey(): Token {
    const start = this.at;
    const word = this.word();
    if (/^[A-Za-z_$][\w$]*$/.test(word)) {
      return { kind: 'string', start, end: this.at, strict: false, value: () => word };
    }
    if (this.at >= this.text.length) return { kind: 'open' };
    const seen = word === '' ? this.text.charAt(start) : word.slice(0, 40);
    return { kind: 'fault', at: start, problem: `a key was expected, not ${JSON.stringify(seen)}` };
  }

  /** Letters, digits and the signs of numbers; empty where none stands. */
  word(): string {
    const start = this.at;
    while (this.at < this.text.length && isWordCode(this.text.charCodeAt(this.at))) this.at += 1;
    return this.text.slice(start, this.at);
  }
}

function isWordCode(code: number): boolean {
  const digit = code >= 0x30 && code <= 0x39;
  const letter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a);
  // $ + - . _
  return digit || letter || code === 0x24 || code === 0x2b || code === 0x2d || code === 0x2e || code === 0x5f;
}

function simpleEscapeFault(escaped: string): string | undefined {
  if (Object.hasOwn(simpleEscapes, escaped)) return undefined;
  // A lenient reader would drop the backslash, and with it the meaning of a regular expression.
  return `${JSON.stringify(`\\${escaped}`)} is no escape of JSON; a backslash in the text is written as two`;
}

function unicodeFault(text: string, at: number): string | undefined {
  const digits = text.slice(at + 1, at + 5);
  if (/^[0-9a-fA-F]{4}$/.test(digits)) return undefined;
  return digits.length < 4 ? 'open' : 'a \\u escape needs four hexadecimal digits';
}

function decode(body: string): string {
  const parts: string[] = [];
  let from = 0;
  for (let at = body.indexOf('\\'); at >= 0; at = body.indexOf('\\', from)) {
    const escaped = body.charAt(at + 1);
    const isUnicode = escaped === 'u';
    parts.push(body.slice(from, at));
    parts.push(
      isUnicode
        ? String.fromCharCode(Number.parseInt(body.slice(at + 2, at + 6), 16))
        : (simpleEscapes[escaped] ?? escaped),
    );
    from = at + (isUnicode ? 6 : 2);
  }
  parts.push(body.slice(from));
  return parts.join('');
}
