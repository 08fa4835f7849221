/** Text that fits into so many characters, with a word on what was left out. */
export function cutText(text: string, most: number): string {
  if (text.length <= most) return text;
  // Not between the halves of a character.
  const head = text.slice(0, most).replace(/[\ud800-\udbff]$/, '');
  return `${head} … (${text.length - head.length} more characters)`;
}
