import type { taskRegistry } from '@necrocode/contracts';
import type { Change, Sql } from './registry.js';

export function registerRunner({ sql, now }: Change, runner: taskRegistry.RegisterRunnerRequest): void {
  sql(
    `INSERT INTO runners (runner_id, hostname, queues_json, max_parallel, version, sandbox, last_seen_at)
     VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (runner_id) DO UPDATE SET hostname = excluded.hostname, queues_json = excluded.queues_json,
       max_parallel = excluded.max_parallel, version = excluded.version, sandbox = excluded.sandbox,
       last_seen_at = excluded.last_seen_at`,
  ).run(
    runner.runnerId,
    runner.hostname,
    JSON.stringify(runner.queues),
    runner.maxParallel,
    runner.version,
    runner.sandbox,
    now,
  );
}

/** Runners seen since a time, the latest first. */
export function listRunners(sql: Sql, seenSince: number): taskRegistry.Runner[] {
  const rows = sql('SELECT * FROM runners WHERE last_seen_at >= ? ORDER BY last_seen_at DESC, runner_id').all(
    seenSince,
  ) as unknown as RunnerRow[];
  return rows.map((row) => ({
    runnerId: row.runner_id,
    hostname: row.hostname,
    queues: JSON.parse(row.queues_json) as string[],
    maxParallel: row.max_parallel,
    version: row.version,
    sandbox: row.sandbox,
    lastSeenAt: new Date(row.last_seen_at),
  }));
}

interface RunnerRow {
  readonly runner_id: string;
  readonly hostname: string;
  readonly queues_json: string;
  readonly max_parallel: number;
  readonly version: string;
  readonly sandbox: string;
  readonly last_seen_at: number;
}
