/** Shorter values would mask ordinary words. */
const shortestSecret = 6;

const replacement = '[masked]';

/** Replaces secrets in text, in the spellings in which they usually leak. */
export type Mask = (text: string) => string;

/**
 * @param secrets the values to hide; empty and very short ones are ignored
 */
export function createMask(secrets: readonly (string | undefined)[]): Mask {
  const spellings = new Set<string>();
  for (const secret of secrets) {
    if (!secret || secret.length < shortestSecret) continue;
    for (const spelling of spellingsOf(secret)) spellings.add(spelling);
  }
  if (spellings.size === 0) return (text) => text;
  const longestFirst = [...spellings].sort((a, b) => b.length - a.length).map(escape);
  const pattern = new RegExp(longestFirst.join('|'), 'g');
  return (text) => text.replace(pattern, replacement);
}

function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  return [
    secret,
    JSON.stringify(secret).slice(1, -1),
    encodeURIComponent(secret),
    bytes.toString('hex'),
    ...[0, 1, 2].flatMap((shift) => base64Core(bytes, shift)),
  ];
}

/** The part of the base64 text that stays the same whatever stands before and after the secret. */
function base64Core(bytes: Buffer, shift: number): string[] {
  const shifted = Buffer.concat([Buffer.alloc(shift), bytes]);
  const start = shift === 0 ? 0 : shift + 1;
  const end = Math.floor((shifted.length * 8) / 6);
  const core = shifted.toString('base64').slice(start, end);
  if (core.length < shortestSecret) return [];
  return [core, core.replaceAll('+', '-').replaceAll('/', '_')];
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
