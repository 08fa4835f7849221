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
    print: (text) => void stdout.write(`${text}\n`),
    write: async (content) => {
      if (!stdout.write(content)) await once(stdout, 'drain');
    },
    note: (text) => void stderr.write(`${text}\n`),
  };
}

export type Style = Parameters<typeof styleText>[0];

/** Text in a style, where styles can be seen. */
export function paint({ interactive }: Pick<Terminal, 'interactive'>, style: Style, text: string): string {
  return interactive && text !== '' ? styleText(style, text, { validateStream: false }) : text;
}

/** Text of others, made harmless: escape sequences could rewrite what is on the screen. */
export function harmless(text: string): string {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}
