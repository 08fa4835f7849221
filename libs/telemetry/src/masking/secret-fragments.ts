/** Shorter values would hide ordinary words. */
export const shortestSecret = 6;
/** Shorter lines of a secret with several lines say too little to be looked for alone. */
const shortestLine = 16;

/**
 * The texts to look for so that no part of a secret shows: of a secret with several lines (a private key)
 * each line, a short one together with the line before it.
 */
export function fragmentsOf(secret: string): string[] {
  const lines = secret.split(/\r\n|\r|\n/);
  if (lines.length === 1) return [secret];
  const fragments: string[] = [];
  let before: string | undefined;
  for (const line of lines.map((text) => text.trim())) {
    if (line === '' || isFrame(line)) {
      before = undefined;
      continue;
    }
    if (line.length >= shortestLine) fragments.push(line);
    else if (before !== undefined) fragments.push(`${before}\n${line}`);
    before = line;
  }
  return fragments.length > 0 ? fragments : [secret];
}

/** `-----BEGIN PRIVATE KEY-----` is no secret. */
function isFrame(line: string): boolean {
  return /^-----[A-Z0-9 ]+-----$/.test(line);
}
