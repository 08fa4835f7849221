import { withNats } from '../reach/nats.js';
import type { ExitCode, Session } from '../session.js';
import { renderDeadLetters } from '../show/dead-letter-list.js';
import { readDeadLetters, type DeadLetter } from './dead-letters.js';

/** The messages that nobody could work on, and why. */
export async function deadList(
  options: { json?: boolean },
  { endpoints, terminal }: Session,
): Promise<ExitCode> {
  const letters = await withNats(endpoints.nats, async (connection) => {
    const found: DeadLetter[] = [];
    for await (const { sequence, queue, code, reason, attempts, time, key } of readDeadLetters(connection)) {
      found.push({ sequence, queue, code, reason, attempts, time, key });
    }
    return found;
  });
  if (options.json) terminal.print(JSON.stringify(letters));
  else if (letters.length > 0) terminal.print(renderDeadLetters(letters, terminal));
  else terminal.note('no dead letters');
  return 0;
}
