/** Of a longer line, the beginning and the end are kept. */
const longestLine = 1_000;
const keptBeginning = 700;
const keptEnd = 250;

/** Colours and cursor movements; titles and links (OSC), bounded so that a stray start swallows little. */
const escapeSequences =
  /\u001b\[[0-?]{0,40}[ -/]{0,8}[@-~]|\u001b\][^\u0007\u001b\n]{0,2000}(?:\u0007|\u001b\\)|\u001b[@-Z\\^_=>78cM]/g;
const controls = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/**
 * The lines of a command's output as a person would read them: without escape sequences, the last state
 * of progress lines only, runs of the same line once with their count.
 */
export function cleanOutput(output: string): string[] {
  const lines: string[] = [];
  let last: string | undefined;
  let repeats = 0;
  const flush = () => {
    if (repeats === 1) lines.push(last ?? '');
    else if (repeats > 1) lines.push(`[the line above ${repeats} more times]`);
    repeats = 0;
  };
  for (const raw of output.replace(escapeSequences, '').split('\n')) {
    const line = shortened(lastState(raw).replace(controls, '').trimEnd());
    if (line === last && line !== '') {
      repeats += 1;
      continue;
    }
    flush();
    lines.push(line);
    last = line;
  }
  flush();
  while (lines.length > 0 && lines.at(-1) === '') lines.pop();
  return lines;
}

/** A carriage return starts the line anew. */
function lastState(line: string): string {
  const end = line.endsWith('\r') ? line.length - 1 : line.length;
  const start = end === 0 ? -1 : line.lastIndexOf('\r', end - 1);
  return line.slice(start + 1, end);
}

function shortened(line: string): string {
  if (line.length <= longestLine) return line;
  const left = line.length - keptBeginning - keptEnd;
  return `${line.slice(0, keptBeginning)} [… ${left} characters left out …] ${line.slice(-keptEnd)}`;
}
