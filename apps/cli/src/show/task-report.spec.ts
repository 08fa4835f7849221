import { noUsage, type TaskResult } from '@necrocode/contracts';
import type { TaskDocument } from './task-document.js';
import { renderTaskReport } from './task-report.js';

const terminal = { interactive: false, print: () => {}, note: () => {}, write: () => Promise.resolve() };

const result: TaskResult = {
  schema_version: 1,
  task_id: '1.1',
  spec_name: 'chat-app',
  run: 1,
  status: 'failed',
  runner_id: 'r-1',
  attempt: 2,
  attempts: 2,
  rounds: 3,
  branch: 'feature/task-chat-app-1.1',
  commit: 'a'.repeat(40),
  tree: 'b'.repeat(40),
  base_commit: 'c'.repeat(40),
  pushed: true,
  files_changed: ['src/a.ts', 'src/b.ts'],
  tests: [{ command: 'npm test', exit_code: 1, duration_ms: 1_500, passed: false, limit_hit: 'time' }],
  artifacts: [],
  usage: {
    model: 'm-1',
    input_tokens: 12_000,
    cached_tokens: 500,
    output_tokens: 80,
    cost_usd: 0.05,
    llm_calls: 3,
  },
  timings: { propose_change: 4_000, run_tests: 2_000 },
  queue_wait_ms: 20,
  started_at: '2026-01-01T00:00:00.000Z',
  finished_at: '2026-01-01T00:00:10.000Z',
  sandbox: 'full',
  error: { code: 'tests_failed', message: 'exit \u001b[2Jcode 1', stage: 'run_tests', retryable: false },
  trace_id: null,
};

const document: TaskDocument = {
  task: { title: 'Add user model' },
  status: 'failed',
  attempts: [{ attempt: 2, run: 1, runner_id: 'r-1', started_at: null, ended_at: null, outcome: 'failed' }],
  events: [],
  artifacts: [
    {
      type: 'diff',
      uri: 'artifact://chat-app/1.1/1/diff/change.diff',
      size_bytes: 2_048,
      sha256: 'd'.repeat(64),
    },
  ],
  result,
};

describe('renderTaskReport', () => {
  it('[AR-7.2] shows the summary of a run: error, tests, tokens, cost, times, artifacts', () => {
    expect(renderTaskReport('chat-app/1.1', document, terminal)).toBe(
      `chat-app/1.1  Add user model
failed · run 1 · attempt 2 · runner r-1

branch   feature/task-chat-app-1.1
commit   ${'a'.repeat(40)}, pushed
files    src/a.ts, src/b.ts
rounds   3
tokens   12,000 in (500 cached), 80 out, 3 calls of m-1
cost     $0.0500
waited   20 ms in the queue
sandbox  full

tests_failed in run_tests: exit \ufffd[2Jcode 1

tests
  RESULT  COMMAND   EXIT   TIME  LIMIT
  failed  npm test     1  1.5 s  time

timings
  propose_change  4.0 s  ${'█'.repeat(30)}
  run_tests       2.0 s  ${'█'.repeat(15)}

artifacts
  TYPE     SIZE  SHA-256       URI
  diff  2.0 KiB  dddddddddddd  artifact://chat-app/1.1/1/diff/change.diff`,
    );
  });

  it('[AR-16.4] says when the cost of a model is not known, and nothing of a model that was not asked', () => {
    const free = { ...document, result: { ...result, usage: { ...result.usage, cost_usd: null } } };
    expect(renderTaskReport('k', free, terminal)).toContain('cost     not known for this model');
    const unasked = { ...document, result: { ...result, usage: noUsage } };
    expect(renderTaskReport('k', unasked, terminal)).not.toMatch(/tokens|cost/);
  });

  it('[AR-7.2] shows a task that has not begun', () => {
    const waiting: TaskDocument = {
      task: null,
      status: 'ready',
      attempts: [],
      events: [],
      artifacts: [],
      result: null,
    };
    expect(renderTaskReport('chat-app/1.1', waiting, terminal)).toBe('chat-app/1.1\nready');
  });

  it('[AR-14.3] shows what a blocked task waits for', () => {
    const parked = {
      sequence: 1,
      type: 'TaskParked',
      time: null,
      run: 1,
      attempt: 0,
      data: { reason: 'waits for 1.0' },
    };
    const blocked: TaskDocument = {
      ...document,
      status: 'blocked',
      events: [parked],
      artifacts: [],
      result: null,
    };
    expect(renderTaskReport('chat-app/1.1', blocked, terminal)).toBe(
      'chat-app/1.1  Add user model\nblocked · waits for 1.0',
    );
  });
});
