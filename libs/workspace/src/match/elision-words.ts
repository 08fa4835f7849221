/** With an ellipsis, one of these makes a mark; without one, only some of them do. */
const telling = wordSet(
  'rest unchanged existing remaining omitted elided same before other others more previous prior truncated snip snipped skipped abbreviated abridged brevity keep kept etc original identical continues continued',
);
const accompanying = wordSet(
  'the of this that these those code file files content contents function functions method methods class classes import imports line lines implementation logic body details here for is are as stays stay remains remain remaining and so on everything else above below all in from to no not any changes change changed modified shown section part parts block stuff goes your our its it be do leave left out skip with also up component components child children props properties fields field items item entries elements tests cases routes handlers styles markup config options settings definitions declarations types variables constants statements modules module methods helpers script page template setup document text todo',
);
/** Without an ellipsis, each of these is said of text that is not shown; all their other words are known ones. */
const phrases: readonly (readonly string[])[] = [
  'rest of',
  'the rest',
  'keep rest',
  'unchanged',
  'omitted',
  'elided',
  'truncated',
  'snip',
  'snipped',
  'existing code',
  'existing content',
  'existing contents',
  'existing implementation',
  'existing logic',
  'existing methods',
  'existing functions',
  'existing imports',
  'existing children',
  'original code',
  'original implementation',
  'previous code',
  'remaining code',
  'remaining lines',
  'remaining methods',
  'remaining functions',
  'remaining file',
  'remaining content',
  'remaining implementation',
  'other code',
  'as before',
  'as above',
  'as is',
  'same as',
  'the same',
  'stays same',
  'no changes',
  'no change',
  'not changed',
  'not shown',
  'left out',
  'your code here',
].map((phrase) => phrase.split(' '));
/** Alone, without an ellipsis, these say nothing else either. */
const alone = wordSet('rest unchanged omitted elided snip snipped etc truncated');
/** What is said in scripts that have no spaces between words: "the rest is omitted", "unchanged". */
const unspaced = ['省略', '変更なし', '以下同'];

/** A sentence that goes on begins with one of these. */
const joining = wordSet(
  'and or but nor so yet then else which that who when while where if unless until because since as than to for with without in on at by from of into via even also not either neither is are was were be will it they we you i this',
);

function wordSet(words: string): ReadonlySet<string> {
  return new Set(words.split(' '));
}

/** The words of a text, in lower case; digits and signs are none. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/\p{L}[\p{L}\p{M}]*/gu) ?? [];
}

/** Letters, digits, spaces and the signs of a sentence: nothing that looks like code. */
export function isProse(text: string): boolean {
  return /^[\p{L}\p{M}\p{N}\s,.:;!?'’"&/()[\]…–—-]*$/u.test(text);
}

/** Whether all words speak of text that is left out. */
export function onlyTelling(words: readonly string[]): boolean {
  return hasTelling(words) && words.every((word) => telling.has(word) || accompanying.has(word));
}

export function hasTelling(words: readonly string[]): boolean {
  return words.some((word) => telling.has(word));
}

/** Whether the words, without any ellipsis, can only stand for text that is left out. */
export function isPhrase(words: readonly string[], text: string): boolean {
  const [first = ''] = words;
  if (words.length === 1) return alone.has(first) || unspaced.some((sign) => text.includes(sign));
  if (words.join(' ') === 'and so on' || words.join(' ') === 'and more') return true;
  return (
    words.every((word) => telling.has(word) || accompanying.has(word)) &&
    phrases.some((phrase) => holds(words, phrase))
  );
}

function holds(words: readonly string[], phrase: readonly string[]): boolean {
  return words.some((_, at) => phrase.every((word, index) => words[at + index] === word));
}

/** Whether the words go on with a sentence that began above. */
export function joins([first = '']: readonly string[]): boolean {
  return joining.has(first);
}
