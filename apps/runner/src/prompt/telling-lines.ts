/** What hardly anything but a run that fails says; source code and logs have other words of failure as well. */
const verdict =
  /\b(?:want(?:ed)?\b.{1,200}\b(?:got|have|found)|got\b.{1,200}\bwant(?:ed)?|expect(?:ed|ing|s)?\b.{1,200}\b(?:got|but|actual(?:ly)?|received|found|instead)|(?:is|are|was|were) not equal|mismatch(?:ed)?|assertion .{0,200}failed|segmentation fault|segfault|core dumped|multiple definition of|undefined reference to|timed out|panicked at|not ok \d|exit(?:ed with)? (?:status|code) [1-9])\b|^panic: |^Traceback \(|AssertionError|^(?:Killed|Aborted|Terminated)\b|^E {2,}|^\s*[✖✗✘✕×❌]/i;
/** What usually stands in the line that says why, in the words of many tools. */
const reason =
  /\b(?:want(?:ed)?|got|expect\w*|actual(?:ly)?|received|mismatch\w*|assert\w*|differs?|not equal|unequal|instead of|panic\w*|traceback|killed|aborted)\b|[✖✗✘✕×❌≠]/i;
/** What stands near it, and in much else. */
const hint =
  /\b(?:err(?:or)?s?|exceptions?|fail(?:ed|s|ures?|ing)?|fatal|undefined|undeclared|unresolved|unexpected|unknown|cannot|can't|could not|invalid|illegal|incorrect|wrong|bad|missing|not found|no such|no module|timeout|abort|overflow|leak\w*|denied|refused|deadlock|duplicate|syntax)\b|[a-z](?:Error|Exception)\b|^\s*[+-] |^>\s|●|\^{2,}|!==?|===?(?!=)/i;

/** A line of a shape that occurs more often is noise, whatever it says. */
const rareShape = 2;
/** The same of what it begins with, and of how it is built. */
const rareFeature = 3;
const mostRarity = 4;
/** What the three kinds of words give together. */
const mostWords = 6;
/** Enough of a line to know others of its kind by. */
const shapeLength = 240;

/**
 * Tells the lines of an output that may say why it failed from its noise. Noise repeats itself: a line that
 * looks like many others once its figures are taken out is noise, one that looks like no other is telling,
 * in whatever language. Words only put lines in order.
 */
export class TellingLines {
  /** 0: looks like many others, 2: like none, up to 4: begins and is built like none. */
  private readonly rarity: Uint8Array;
  private readonly words: Uint8Array;

  constructor(lines: readonly string[]) {
    const shapes = lines.map(shapeOf);
    const shapeCounts = countsOf(shapes);
    const leads = shapes.map(leadOf);
    const leadCounts = countsOf(leads);
    const frames = shapes.map(frameOf);
    const frameCounts = countsOf(frames);
    const isRare = (counts: ReadonlyMap<string, number>, value: string | undefined) =>
      (counts.get(value ?? '') ?? 0) <= rareFeature;
    this.rarity = Uint8Array.from(shapes, (shape, index) => {
      if (!/[\p{L}#]/u.test(shape)) return 0;
      const count = shapeCounts.get(shape) ?? 0;
      if (count > rareShape) return count <= 2 * rareShape ? 1 : 0;
      return 2 + Number(isRare(leadCounts, leads[index])) + Number(isRare(frameCounts, frames[index]));
    });
    this.words = Uint8Array.from(lines, wordsOf);
  }

  /** Of the lines from `from` up to, not including, `to`: those unlike all others first. */
  unlike(from: number, to: number): number[] {
    return this.order(from, to, (rarity, words) => (rarity >= 2 ? rarity * (mostWords + 1) + words : 0));
  }

  /** The same lines: those whose words say most first. */
  worded(from: number, to: number): number[] {
    return this.order(from, to, (rarity, words) =>
      rarity >= 2 && words > 0 ? words * (mostRarity + 1) + rarity : 0,
    );
  }

  /** Those that repeat themselves, but have words that go with a failure. */
  repeated(from: number, to: number): number[] {
    return this.order(from, to, (rarity, words) =>
      rarity < 2 && words > 0 ? words * (mostRarity + 1) + rarity : 0,
    );
  }

  private order(from: number, to: number, scoreOf: (rarity: number, words: number) => number): number[] {
    const byScore: number[][] = [];
    for (let index = from; index < to; index += 1) {
      const score = scoreOf(this.rarity[index] ?? 0, this.words[index] ?? 0);
      if (score > 0) (byScore[score] ??= []).push(index);
    }
    return byScore.reverse().flatMap((indices) => spread(indices));
  }
}

function wordsOf(line: string): number {
  return (verdict.test(line) ? 3 : 0) + (reason.test(line) ? 2 : 0) + (hint.test(line) ? 1 : 0);
}

/** A line without what differs between lines of one kind: figures, hashes, white space. */
function shapeOf(line: string): string {
  return line
    .slice(0, shapeLength)
    .replace(/0x[0-9a-f]+|\b(?=[a-f]*\d)[0-9a-f]{7,64}\b|\d+(?:[.,:]\d+)*/gi, '#')
    .replace(/\s+/g, ' ')
    .trim();
}

/** The first word behind a time stamp: a log has few of them, and many lines of each. */
function leadOf(shape: string): string {
  const said = shape.replace(/^[[(]?#(?:[-/:T .,]?#)*Z?[\])]?\s*/, '');
  const blank = said.indexOf(' ');
  return blank < 0 ? said : said.slice(0, blank);
}

/** What is left when words count as one another: signs, figures, other scripts. */
function frameOf(shape: string): string {
  return shape.replace(/[a-z]+(?: [a-z]+)*/gi, 'a');
}

function countsOf(values: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** In an order whose every beginning is spread over the whole: first, middle, quarters, eighths, … */
export function spread<T>(items: readonly T[]): T[] {
  const order: T[] = [];
  let bits = 0;
  while (1 << bits < items.length) bits += 1;
  for (let count = 0; count < 1 << bits; count += 1) {
    let at = 0;
    for (let bit = 0; bit < bits; bit += 1) at |= ((count >> bit) & 1) << (bits - 1 - bit);
    const item = items[at];
    if (at < items.length && item !== undefined) order.push(item);
  }
  return order;
}
