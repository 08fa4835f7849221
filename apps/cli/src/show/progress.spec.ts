import { progressLine, troubleLine } from './progress.js';
import type { EventDocument } from './task-document.js';

const terminal = { interactive: false, print: () => {}, note: () => {}, write: () => Promise.resolve() };
const event = (type: string, data: Record<string, unknown>): EventDocument => ({
  sequence: 1,
  type,
  time: '2026-01-01T10:20:30.000Z',
  run: 2,
  attempt: 1,
  data,
});
const lineOf = (type: string, data: Record<string, unknown>) =>
  progressLine(event(type, data), terminal)?.replace(/^\d\d:\d\d:\d\d {2}/, '');

describe('progressLine', () => {
  it('[AR-12.1] shows a stage with its time and its tokens', () => {
    expect(lineOf('StageEnded', { stage: 'run_tests', duration_ms: 1_234 })).toBe(
      '✓ run_tests             1.2 s',
    );
    expect(
      lineOf('StageEnded', {
        stage: 'propose_change',
        duration_ms: 99,
        input_tokens: 1_200,
        output_tokens: 30,
      }),
    ).toBe('✓ propose_change        99 ms  1,200 tokens in, 30 out');
  });

  it('[AR-8.4] shows what a stage failed of', () => {
    const failed = { stage: 'push', duration_ms: 10, code: 'push_failed', message: 'the remote\nsaid no' };
    expect(lineOf('StageEnded', failed)).toBe(
      '✗ push                  10 ms  push_failed: the remote said no',
    );
  });

  it('[AR-12.1] shows who works, what a task waits for and how a round ended', () => {
    expect(lineOf('TaskClaimed', { runner_id: 'r-1' })).toBe('· run 2, attempt 1, runner r-1');
    expect(lineOf('TaskParked', { reason: 'waits for 1.0' })).toBe('! waits: waits for 1.0');
    expect(lineOf('RoundEnded', { round: 1, outcome: 'tests_failed', reason: 'x' })).toBe(
      '! round 1: tests_failed (x)',
    );
  });

  it('[AR-12.1] leaves out what another line tells', () => {
    expect(lineOf('StageStarted', { stage: 'push' })).toBeUndefined();
    expect(lineOf('TaskCompleted', {})).toBeUndefined();
  });
});

describe('troubleLine', () => {
  it('[AR-8.4] shows warnings of the live log that no event tells', () => {
    const line = {
      level: 'warn',
      msg: 'task given back',
      reason: 'no slot',
      time: '2026-01-01T10:20:30.000Z',
    };
    expect(troubleLine(line, terminal)).toMatch(/! task given back: no slot$/);
    expect(troubleLine({ ...line, level: 'info' }, terminal)).toBeUndefined();
    expect(troubleLine({ ...line, stage: 'push' }, terminal)).toBeUndefined();
  });
});
