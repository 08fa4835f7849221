import { jsonrepair } from 'jsonrepair';
import type { StringToken } from './json-cursor.js';
import { scanJson, type JsonScan } from './scan-json.js';

export type ParsedDocument =
  | { readonly kind: 'value'; readonly value: unknown; readonly repaired: boolean }
  | { readonly kind: 'broken'; readonly fault: string };

/** Slips times length: above it the repair would take seconds. */
const maxRepairWork = 1e9;

/**
 * The value of a document that a scan found complete. Strict JSON is parsed as it stands. Otherwise only
 * the punctuation is repaired: every string is taken out first and put back afterwards, so that no repair
 * can touch the code in it.
 */
export function parseDocument(text: string, start: number, scan: CompleteScan): ParsedDocument {
  const source = text.slice(start, scan.end);
  try {
    const value: unknown = JSON.parse(source);
    return { kind: 'value', value, repaired: false };
  } catch {
    return repair(text, start, scan);
  }
}

type CompleteScan = Extract<JsonScan, { kind: 'complete' }>;

function repair(text: string, start: number, { end, slips }: CompleteScan): ParsedDocument {
  const scan = scanJson(text, start, true);
  if (scan.kind !== 'complete') return { kind: 'broken', fault: 'it cannot be read' };
  const skeleton = skeletonOf(text, start, end, scan.strings);
  if (slips * skeleton.length > maxRepairWork) {
    return { kind: 'broken', fault: `its punctuation is wrong in ${slips} places` };
  }
  try {
    const strings = new StringsOf(scan.strings);
    const value = strings.putBack(JSON.parse(jsonrepair(skeleton)));
    return strings.allUsed ? { kind: 'value', value, repaired: true } : lost;
  } catch (error) {
    return { kind: 'broken', fault: error instanceof Error ? error.message.slice(0, 200) : 'not JSON' };
  }
}

const lost: ParsedDocument = { kind: 'broken', fault: 'its punctuation cannot be put right' };

/** The text with `"s0"`, `"s1"`, … in the place of its strings. */
function skeletonOf(text: string, start: number, end: number, strings: readonly StringToken[]): string {
  const parts: string[] = [];
  let from = start;
  for (const [index, token] of strings.entries()) {
    parts.push(text.slice(from, token.start), `"s${index}"`);
    from = token.end;
  }
  parts.push(text.slice(from, end));
  return parts.join('');
}

/** Puts strings back in the order in which they were taken out; each exactly once. */
class StringsOf {
  private next = 0;

  constructor(private readonly strings: readonly StringToken[]) {}

  get allUsed(): boolean {
    return this.next === this.strings.length;
  }

  putBack(value: unknown): unknown {
    if (typeof value === 'string') return this.take(value);
    if (Array.isArray(value)) return value.map((item) => this.putBack(item));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [this.take(key), this.putBack(item)]),
    );
  }

  private take(placeholder: string): string {
    const token = this.strings[this.next];
    if (!token || placeholder !== `s${this.next}`) throw new Error('its punctuation cannot be put right');
    this.next += 1;
    return token.value();
  }
}
