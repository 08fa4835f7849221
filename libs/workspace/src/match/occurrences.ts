/** Places beyond this many are not looked for: the edit is refused anyway. */
export const MAX_PLACES = 200;

/** Longer searches are found by a part of them first: the engine's own search is quadratic for long ones. */
const PROBE_LENGTH = 64;
const MAX_COMPARED = 50_000_000;

/**
 * The offsets at which a text stands in another, overlapping ones included (two readings of an edit are
 * one too many), at most `MAX_PLACES + 1`. The time is linear whatever the texts are.
 */
export function occurrences(text: string, search: string): number[] {
  if (search === '' || search.length > text.length) return [];
  if (search.length <= PROBE_LENGTH) return occurrencesOfProbe(text, search);
  const offset = longestLineIn(search);
  const probe = search.slice(offset, offset + PROBE_LENGTH);
  const places: number[] = [];
  let compared = 0;
  for (let at = text.indexOf(probe, offset); at >= 0; at = text.indexOf(probe, at + 1)) {
    if (compared > MAX_COMPARED) return occurrencesByPrefixes(text, search);
    compared += search.length;
    if (text.startsWith(search, at - offset)) places.push(at - offset);
    if (places.length > MAX_PLACES) break;
  }
  return places;
}

function occurrencesOfProbe(text: string, search: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(search); at >= 0; at = text.indexOf(search, at + 1)) {
    places.push(at);
    if (places.length > MAX_PLACES) break;
  }
  return places;
}

/** Where the longest line of a search starts, its indentation left out: what stands there is rare. */
function longestLineIn(search: string): number {
  let best = 0;
  let length = 0;
  for (let start = 0; start < search.length;) {
    const at = search.indexOf('\n', start);
    const end = at < 0 ? search.length : at;
    let from = start;
    while (from < end && (search.charCodeAt(from) === 32 || search.charCodeAt(from) === 9)) from += 1;
    if (end - from > length) [best, length] = [from, end - from];
    start = end + 1;
  }
  return best;
}

/** Knuth, Morris and Pratt: for texts that repeat themselves so much that comparing each place takes too long. */
function occurrencesByPrefixes(text: string, search: string): number[] {
  return prefixMatches(
    search.length,
    text.length,
    (at) => search.charCodeAt(at),
    (at) => text.charCodeAt(at),
    MAX_PLACES,
  );
}

/**
 * Where a sequence of numbers stands in another, in linear time; at most `limit + 1` places. The
 * accessors give the number at a position.
 */
export function prefixMatches(
  needleLength: number,
  length: number,
  needle: (at: number) => number,
  hay: (at: number) => number,
  limit: number,
): number[] {
  const fallback = new Int32Array(needleLength + 1);
  fallback[0] = -1;
  for (let at = 0, matched = -1; at < needleLength;) {
    while (matched >= 0 && needle(at) !== needle(matched)) matched = fallback[matched] ?? -1;
    at += 1;
    matched += 1;
    fallback[at] = matched;
  }
  const places: number[] = [];
  for (let at = 0, matched = 0; at < length; at += 1) {
    while (matched >= 0 && (matched === needleLength || needle(matched) !== hay(at))) {
      matched = fallback[matched] ?? -1;
    }
    matched += 1;
    if (matched === needleLength) {
      places.push(at + 1 - needleLength);
      if (places.length > limit) break;
    }
  }
  return places;
}
