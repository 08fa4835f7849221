import { subjects, type TaskKey } from '@necrocode/contracts';
import { openNats } from '../reach/nats.js';
import type { Session } from '../session.js';
import { parseObject } from '../show/task-document.js';
import { harmless } from '../show/terminal.js';

/** A line that a runner sends to whoever watches. */
export type LiveLine =
  | { readonly kind: 'log'; readonly raw: string; readonly fields: Readonly<Record<string, unknown>> }
  /** What a command printed; without escape sequences. */
  | { readonly kind: 'output'; readonly raw: string; readonly text: string };

export interface Listening {
  /** False when NATS was not there: nothing will be heard. */
  readonly heard: boolean;
  stop(): Promise<void>;
}

/** Hears a task's live log. It only adds to what the registry tells, so doing without it is a remark, no error. */
export async function listenToLog(
  key: TaskKey,
  { endpoints, terminal }: Session,
  hear: (line: LiveLine) => void,
): Promise<Listening> {
  try {
    const connection = await openNats(endpoints.nats);
    connection.subscribe(subjects.logs(key), {
      callback: (error, message) => {
        if (!error) hear(readLine(message.string()));
      },
    });
    await connection.flush();
    return { heard: true, stop: () => connection.close() };
  } catch (error) {
    terminal.note(`no live log: ${error instanceof Error ? error.message : 'NATS does not answer'}`);
    return { heard: false, stop: () => Promise.resolve() };
  }
}

function readLine(raw: string): LiveLine {
  const fields = parseObject(raw) ?? { msg: raw };
  if (typeof fields.output !== 'string') return { kind: 'log', raw, fields };
  return { kind: 'output', raw, text: harmless(fields.output.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '')) };
}
