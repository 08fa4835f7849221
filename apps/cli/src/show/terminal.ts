import { once } from 'node:events';
import { styleText } from 'node:util';

/** Where a command's words go: answers to standard output, everything else to standard error. */
export interface Terminal {
  /** A human looks at it: colours and lines that change are welcome. */
  readonly interactive: boolean;
  /** One answer, a line end is added. */
  print(text: string): void;
  /** Content as it is; resolves when more can be taken. */
  write(content: Uint8Array | string): Promise<void>;
  /** A remark beside the answer, a line end is added. */
  note(text: string): void;
}

/** The terminal of this process. A reader that goes away (`necro list | head`) ends it quietly. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    interactive: stdout.isTTY && stdout.hasColors() && !process.env.NO_COLOR,
    print: (text) => void stdout.write(`${inert(text)}\n`),
    write: async (content) => {
      if (!stdout.write(content)) await once(stdout, 'drain');
    },
    note: (text) => void stderr.write(`${inert(text)}\n`),
  };
}

export type Style = Parameters<typeof styleText>[0];

/** Text in a style, where styles can be seen. */
export function paint({ interactive }: Pick<Terminal, 'interactive'>, style: Style, text: string): string {
  return interactive && text !== '' ? styleText(style, text, { validateStream: false }) : text;
}

/**
 * Text of others, made harmless: escape sequences could rewrite what is on the screen, and marks of direction
 * what it seems to say. Lines stay lines.
 */
export function harmless(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd').replace(turning, '\ufffd');
}

/** The same as part of a line, which it cannot end to begin one of its own. */
export function harmlessLine(text: string): string {
  return harmless(text).replace(/\s+/g, ' ');
}

/** The same in several lines, of which all but the first are seen to go on. */
export function harmlessLines(text: string): string {
  return harmless(text).replace(/\n/g, '\n    ');
}

/** JSON lines of others, as they are but for what a terminal would take for a command: that is escaped. */
export function harmlessJson(text: string): string {
  return inert(text).replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, escaped);
}

const turning = /[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * For whatever is printed, JSON answers among it, which may hold these only inside of strings. Colours are our
 * own, so that ESC is none of them.
 */
export function inert(text: string): string {
  return text.replace(/[\u0080-\u009f]/g, escaped).replace(turning, escaped);
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
