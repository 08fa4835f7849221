import { renderDeadLetters } from './dead-letter-list.js';
import { progressLine, troubleLine } from './progress.js';
import { renderTaskList, type TaskLine } from './task-list.js';
import { renderTaskReport } from './task-report.js';
import { harmlessJson, inert } from './terminal.js';

const terminal = { interactive: false, print: () => {}, note: () => {}, write: () => Promise.resolve() };

/** Clears the screen, sets the window's title, moves up, turns the reading direction, and begins a line of its own. */
const hostile = 'x\u001b[2J\u001b]0;owned\u0007\u009b1A\u202egnp.exe\u2028\r\n✓ done  everything is fine';
const commands = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

describe('text of others on the terminal', () => {
  const list: TaskLine = {
    ...{
      key: 's/1',
      run: 1,
      state: 'failed',
      stage: hostile,
      runner_id: hostile,
      queue: null,
      priority: null,
    },
    ...{ created_at: null, reason: hostile },
  };
  const event = { sequence: 1, type: 'TaskRefused', time: '2026-01-01T00:00:00.000Z', run: 1, attempt: 1 };
  const report = {
    ...{ status: 'blocked' as const, attempts: [], artifacts: [], result: null, task: { title: hostile } },
    events: [{ ...event, type: 'TaskParked', data: { reason: hostile } }],
  };

  it.each<[string, string, number]>([
    ['a list', renderTaskList([list], 0, terminal), 2],
    [
      'dead letters',
      renderDeadLetters(
        [
          {
            ...{ sequence: 1, queue: 'default', key: null, code: hostile, reason: hostile, attempts: null },
            ...{ time: '2026-01-01T00:00:00.000Z', subject: null },
          },
        ],
        terminal,
      ),
      2,
    ],
    ['an event', progressLine({ ...event, data: { code: hostile, message: hostile } }, terminal) ?? '', 1],
    [
      'a line of the live log',
      troubleLine({ level: 'warn', msg: hostile, reason: hostile }, terminal) ?? '',
      1,
    ],
    ['a report', renderTaskReport('s/1', report, terminal), 2],
  ])('[AR-10.3] moves no cursor and forges no line: %s', (_where, shown, lines) => {
    expect(shown).toContain('owned');
    expect(shown).not.toMatch(commands);
    expect(shown.split('\n')).toHaveLength(lines);
  });

  it('[AR-10.3] stays the same JSON without being a command', () => {
    const json = JSON.stringify({ text: hostile });
    expect(harmlessJson(json)).not.toMatch(commands);
    expect(JSON.parse(harmlessJson(json))).toEqual({ text: hostile });
    expect(inert(json)).toBe(harmlessJson(json));
    expect(harmlessJson('not JSON \u001b[2J\nnext')).toBe('not JSON \\u001b[2J\nnext');
  });
});
