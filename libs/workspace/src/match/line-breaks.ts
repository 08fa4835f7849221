/** A text with other line breaks, LF or CRLF. */
export function withBreaks(text: string, lineBreak: string): string {
  const plain = text.replaceAll('\r\n', '\n');
  return lineBreak === '\n' ? plain : plain.replaceAll('\n', lineBreak);
}
