/** What a line says beside code, without the signs around it. */
export interface Remark {
  /** A whole line of comment, a comment behind code, or no comment at all (brackets around it are gone). */
  readonly kind: 'comment' | 'tail' | 'bracketed' | 'text';
  /** A line of `*`, as within a block comment, whose neighbours are sentences, or as in a list. */
  readonly starred: boolean;
  /** Brackets stand around it, ellipses included. */
  readonly framed: boolean;
  /** The sign of the comment is repeated, as in `##`: in texts that is a heading. */
  readonly repeated: boolean;
  /** What is said between the ellipses. */
  readonly inner: string;
  /** An ellipsis stands at its start, at its end. */
  readonly leads: boolean;
  readonly trails: boolean;
  /** White space or a bracket follows the ellipsis at the start, unlike in `...args`. */
  readonly spaced: boolean;
}

/** What opens a comment at the start of a line; `apart` ones only with something that is no word behind them. */
const openers: readonly { readonly sign: string; readonly closer?: string; readonly apart?: true }[] = [
  { sign: '{/*', closer: '*/}' },
  { sign: '<!--', closer: '-->' },
  { sign: '(*', closer: '*)', apart: true },
  { sign: '/*', closer: '*/' },
  { sign: '//' },
  { sign: '--', apart: true },
  { sign: '#', apart: true },
  { sign: ';', apart: true },
  { sign: '%', apart: true },
  { sign: '*', closer: '*/', apart: true },
  { sign: '"', apart: true },
  { sign: "'", apart: true },
  { sign: 'REM', apart: true },
];
const brackets = ['()', '[]', '<>', '{}'];
const invisible = /[\u200b-\u200d\u2060\ufeff]/g;

/** Reads a line: its comment where it has one, else the line itself. */
export function remarkOf(line: string): Remark {
  const text = line.replace(invisible, '').trim();
  // Texts in three quotes are what Python has in place of comments.
  for (const quotes of ['"""', "'''"]) {
    const quoted = text.length > 6 && text.startsWith(quotes) && text.endsWith(quotes);
    if (quoted) return described(text.slice(3, -3), 'comment', '');
  }
  // Far behind its star, the line of a comment shows an example.
  if (/^\*\s{2}/.test(text)) return described(text, 'text', '*');
  const whole = commentIn(text);
  if (whole) return described(whole.body, 'comment', whole.sign);
  const tail = tailOf(text);
  if (tail) return described(tail.body, tail.code ? 'tail' : 'comment', tail.sign);
  const body = bodyOf(text);
  if (body !== undefined) return described(body, 'tail', '');
  return described(text, 'text', '');
}

interface Comment {
  readonly body: string;
  /** The sign that opens it, with its repetitions. */
  readonly sign: string;
}

function commentIn(text: string): Comment | undefined {
  for (const { sign, closer, apart } of openers) {
    if (!text.startsWith(sign)) continue;
    let start = sign.length;
    while (text.charAt(start) === sign.charAt(0)) start += 1;
    const closed = closer !== undefined && text.endsWith(closer) && text.length >= start + closer.length;
    const body = text.slice(start, closed ? text.length - closer.length : undefined);
    if (apart && isWordAt(body)) continue;
    // Behind a comment that ends within the line stands code.
    if (closer !== undefined && body.includes(closer)) continue;
    return { body: body.trim(), sign: text.slice(0, start) };
  }
  return undefined;
}

function isWordAt(body: string): boolean {
  return body !== '' && !/^[\s.…[(<]/.test(body);
}

/** The comment behind code, or behind brackets only. */
function tailOf(text: string): (Comment & { readonly code: boolean }) | undefined {
  for (const sign of [' //', ' #', ' /*', '{/*', ' --', ' <!--']) {
    const at = text.lastIndexOf(sign);
    if (at <= 0) continue;
    // The bracket that a comment stands in closes behind it.
    const closing = text.endsWith('}') && sign.endsWith('/*') ? trimEndOf(text, ' })];,') : text;
    const comment = commentIn(closing.slice(at + 1).trim());
    if (comment) return { ...comment, code: hasWord(text.slice(0, at)) };
  }
  return undefined;
}

function trimEndOf(text: string, characters: string): string {
  let end = text.length;
  while (end > 0 && characters.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

function hasWord(text: string): boolean {
  return /[\p{L}\p{N}_]/u.test(text);
}

/** The inside of the braces that end a line, as in `function run() { ... }`, when it is only an ellipsis. */
function bodyOf(text: string): string | undefined {
  const open = text.lastIndexOf('{');
  const close = text.lastIndexOf('}');
  if (open <= 0 || close < open || trimEndOf(text.slice(close + 1), ' );,') !== '') return undefined;
  const isBlock = ' )'.includes(text.charAt(open - 1));
  const body = text.slice(open + 1, close).trim();
  return isBlock && (body === '...' || body === '…') ? body : undefined;
}

function described(body: string, kind: Remark['kind'], sign: string): Remark {
  const text = withoutFrame(body);
  const start = ellipsisAtStart(text);
  const end = start === text.length ? text.length : ellipsisAtEnd(text);
  // Two dots alone in a comment are one as well.
  const only = start === text.length && kind !== 'text' && text.length === 2;
  const leads = isEllipsis(text.slice(0, start)) || only;
  const trails = isEllipsis(text.slice(end));
  const inner = text.slice(leads ? start : 0, trails ? end : undefined);
  return {
    kind: kind === 'text' && text !== body.trim() ? 'bracketed' : kind,
    starred: sign.startsWith('*'),
    framed: text !== body.trim(),
    repeated: sign.startsWith('##'),
    inner: withoutFrame(inner),
    leads,
    trails,
    spaced: leads && /^($|[\s([<])/.test(inner),
  };
}

/** Without the brackets around it, and without lines drawn on both sides. */
function withoutFrame(text: string): string {
  let inner = text.trim();
  for (;;) {
    const first = inner.charAt(0);
    const last = inner.charAt(inner.length - 1);
    if (inner.length >= 2 && brackets.includes(first + last)) inner = inner.slice(1, -1).trim();
    else if (inner.length >= 2 && '-~=*_'.includes(first) && '-~=*_'.includes(last)) {
      inner = trimEndOf(inner.replace(/^[-~=*_ ]+/, ''), '-~=*_ ');
    } else return inner;
  }
}

function ellipsisAtStart(text: string): number {
  let at = 0;
  while (at < text.length && '.… '.includes(text.charAt(at))) at += 1;
  return text.slice(0, at).trimEnd().length;
}

function ellipsisAtEnd(text: string): number {
  let at = text.length;
  while (at > 0 && '.… '.includes(text.charAt(at - 1))) at -= 1;
  return text.length - text.slice(at).trimStart().length;
}

function isEllipsis(dots: string): boolean {
  return dots.includes('…') || dots.replaceAll(' ', '').length >= 3;
}
