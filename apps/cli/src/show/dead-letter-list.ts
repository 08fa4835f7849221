import type { DeadLetter } from '../commands/dead-letters.js';
import { renderTable } from './table.js';
import { harmlessLine, type Terminal } from './terminal.js';

export function renderDeadLetters(letters: readonly DeadLetter[], terminal: Terminal): string {
  return renderTable(
    [
      { title: 'SEQ', show: ({ sequence }) => String(sequence), align: 'right' },
      { title: 'QUEUE', show: ({ queue }) => queue },
      { title: 'KEY', show: ({ key }) => key ?? '-' },
      { title: 'CODE', show: ({ code }) => harmlessLine(code ?? '-'), style: () => 'red' },
      { title: 'TIME', show: ({ time }) => time.replace('T', ' ').replace(/\.\d+Z$/, 'Z') },
      { title: 'REASON', show: ({ reason }) => harmlessLine(reason ?? '') },
    ],
    letters,
    terminal,
  );
}
