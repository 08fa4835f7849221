import { boundResult } from './bound-result.js';
import { noUsage, taskResultSchema, type TaskResult } from './result.js';

const result: TaskResult = {
  schema_version: 1,
  task_id: '1',
  spec_name: 's',
  run: 1,
  status: 'done',
  runner_id: 'r',
  attempt: 1,
  attempts: 1,
  rounds: 1,
  branch: 'feature/x',
  commit: 'a'.repeat(40),
  tree: 'b'.repeat(40),
  base_commit: 'c'.repeat(40),
  pushed: true,
  files_changed: [],
  tests: [],
  artifacts: [],
  usage: noUsage,
  timings: {},
  queue_wait_ms: 1,
  started_at: null,
  finished_at: '2026-01-01T00:00:00.000Z',
  sandbox: 'full',
  error: null,
  trace_id: null,
};
const files = (count: number) => Array.from({ length: count }, (_, n) => `${n}/${'é'.repeat(110)}`);
const sizeOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

describe('a result that is too large for its message', () => {
  it.each<[string, Partial<TaskResult>]>([
    ['thousands of files', { files_changed: files(4_500) }],
    ['thousands of warnings', { warnings: Array<string>(1_100).fill('x'.repeat(1_000)) }],
    ['one endless warning', { warnings: ['x'.repeat(2_000_000)] }],
    [
      'an endless error',
      { error: { code: 'invalid_task', message: 'é'.repeat(2_000_000), stage: null, retryable: false } },
    ],
    ['several long lists', { files_changed: files(4_500), warnings: files(9_000) }],
  ])('[AR-7.3] fits, keeps its ending and says what it lacks: %s', (_what, more) => {
    for (const most of [1_000_000, 100_000, 16_384]) {
      const bounded = boundResult({ ...result, ...more }, most);
      expect(sizeOf(bounded)).toBeLessThanOrEqual(most);
      expect(taskResultSchema.parse(bounded)).toMatchObject({ status: 'done', commit: result.commit });
      for (const [list, count] of Object.entries(bounded.truncated ?? {})) {
        expect((more as Record<string, unknown[]>)[list]).toHaveLength(count);
        expect(bounded[list as 'warnings']?.length).toBeLessThan(count);
      }
      if (!bounded.truncated) expect(JSON.stringify(bounded)).toContain('more characters)');
    }
  });

  it('[AR-7.3] is left alone where it fits, and cut no further than needed', () => {
    expect(boundResult(result, 16_384)).toBe(result);
    const bounded = boundResult({ ...result, files_changed: files(4_500) }, 1_000_000);
    expect(bounded.truncated).toEqual({ files_changed: 4_500 });
    expect(sizeOf(bounded)).toBeGreaterThan(999_000);
  });
});
