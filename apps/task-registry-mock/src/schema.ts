/**
 * The registry's tables. Times are milliseconds since 1970. Documents stand apart from the rows that
 * change with every call: SQLite writes a changed row whole, and a checkpoint can be large.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
  INSERT INTO counters (name, value) VALUES ('fencing_token', 0);

  CREATE TABLE tasks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    spec_name TEXT NOT NULL, task_id TEXT NOT NULL,
    run INTEGER NOT NULL,
    last_sequence INTEGER NOT NULL DEFAULT 0,
    publications INTEGER NOT NULL DEFAULT 0,
    UNIQUE (spec_name, task_id)
  ) STRICT;

  CREATE TABLE runs (
    task INTEGER NOT NULL REFERENCES tasks (id), run INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('ready', 'running', 'blocked', 'done', 'failed', 'cancelled')),
    digest TEXT NOT NULL,
    queue TEXT NOT NULL, priority TEXT NOT NULL, traceparent TEXT NOT NULL,
    repository TEXT NOT NULL, branch TEXT NOT NULL, required_skill TEXT NOT NULL,
    stage TEXT NOT NULL, runner_id TEXT NOT NULL, attempt INTEGER NOT NULL,
    fencing_token INTEGER NOT NULL, lease_expires_at INTEGER,
    cancel_reason TEXT, blocked_by TEXT, blocked_reason TEXT NOT NULL,
    created_at INTEGER NOT NULL, started_at INTEGER, finished_at INTEGER,
    decided_json TEXT,
    PRIMARY KEY (task, run)
  ) STRICT;
  CREATE INDEX runs_by_digest ON runs (task, digest);
  CREATE INDEX running_by_expiry ON runs (lease_expires_at) WHERE state = 'running';
  CREATE INDEX running_by_repository ON runs (repository) WHERE state = 'running';
  CREATE INDEX blocked_by_repository ON runs (repository, created_at) WHERE state = 'blocked';

  CREATE TABLE documents (
    task INTEGER NOT NULL, run INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (task, run, kind),
    FOREIGN KEY (task, run) REFERENCES runs (task, run)
  ) STRICT;

  CREATE TABLE attempts (
    task INTEGER NOT NULL, run INTEGER NOT NULL, attempt INTEGER NOT NULL,
    runner_id TEXT NOT NULL, fencing_token INTEGER NOT NULL,
    started_at INTEGER NOT NULL, ended_at INTEGER, outcome TEXT NOT NULL,
    PRIMARY KEY (task, run, attempt),
    FOREIGN KEY (task, run) REFERENCES runs (task, run)
  ) STRICT;

  CREATE TABLE events (
    task INTEGER NOT NULL REFERENCES tasks (id), sequence INTEGER NOT NULL,
    type TEXT NOT NULL, time INTEGER NOT NULL, data_json TEXT NOT NULL,
    run INTEGER NOT NULL, attempt INTEGER NOT NULL,
    PRIMARY KEY (task, sequence)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE artifacts (
    id INTEGER PRIMARY KEY,
    task INTEGER NOT NULL REFERENCES tasks (id), run INTEGER NOT NULL,
    type TEXT NOT NULL, uri TEXT NOT NULL, size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
    UNIQUE (task, uri)
  ) STRICT;

  CREATE TABLE dependencies (
    task INTEGER NOT NULL REFERENCES tasks (id), spec_name TEXT NOT NULL, depends_on TEXT NOT NULL,
    PRIMARY KEY (task, depends_on)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX dependencies_by_target ON dependencies (spec_name, depends_on);

  CREATE TABLE branches (
    repository TEXT NOT NULL, branch TEXT NOT NULL, task INTEGER NOT NULL REFERENCES tasks (id),
    PRIMARY KEY (repository, branch)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE runners (
    runner_id TEXT PRIMARY KEY, hostname TEXT NOT NULL, queues_json TEXT NOT NULL,
    max_parallel INTEGER NOT NULL, version TEXT NOT NULL, sandbox TEXT NOT NULL,
    last_seen_at INTEGER NOT NULL
  ) STRICT;

  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    subject TEXT NOT NULL, msg_id TEXT NOT NULL, traceparent TEXT NOT NULL, body TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    refused TEXT
  ) STRICT;
  `,
  `
  ALTER TABLE runs ADD COLUMN failed_attempts INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE runs ADD COLUMN lost_attempts INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE outbox ADD COLUMN headers_json TEXT NOT NULL DEFAULT '{}';
  `,
  `
  ALTER TABLE runs ADD COLUMN lease_seconds INTEGER NOT NULL DEFAULT 0;
  `,
  `
  ALTER TABLE runs ADD COLUMN ready_since INTEGER NOT NULL DEFAULT 0;
  CREATE INDEX ready_by_time ON runs (ready_since) WHERE state = 'ready';
  `,
  `
  CREATE INDEX ready_by_repository ON runs (queue, priority, repository, ready_since) WHERE state = 'ready';
  CREATE INDEX waiting_for_share ON runs (repository, queue, priority, created_at)
    WHERE state = 'blocked' AND blocked_by = 'fair_share';
  `,
  `
  ALTER TABLE attempts ADD COLUMN traceparent TEXT NOT NULL DEFAULT '';
  `,
  `
  ALTER TABLE runs ADD COLUMN last_looks INTEGER NOT NULL DEFAULT 0;
  `,
  // Tasks that were set aside as too large are missed in the queue, and then fail as such.
  `
  DELETE FROM outbox WHERE refused IS NOT NULL AND subject LIKE 'necrocode.tasks.%';
  ALTER TABLE outbox DROP COLUMN refused;
  ALTER TABLE outbox ADD COLUMN task INTEGER;
  ALTER TABLE outbox ADD COLUMN run INTEGER;
  ALTER TABLE outbox ADD COLUMN stream TEXT GENERATED ALWAYS AS
    (substr(subject, 11, instr(substr(subject, 11), '.') - 1)) VIRTUAL;
  CREATE INDEX outbox_by_stream ON outbox (stream, id);
  `,
  `
  ALTER TABLE runs ADD COLUMN published_at INTEGER;
  CREATE TABLE early_cancels (
    spec_name TEXT NOT NULL, task_id TEXT NOT NULL, reason TEXT NOT NULL, asked_at INTEGER NOT NULL,
    PRIMARY KEY (spec_name, task_id)
  ) STRICT, WITHOUT ROWID;
  `,
  // How far a stream has been taken in. It may be another one of the same name, or have lost its end.
  `
  CREATE TABLE stream_positions (
    stream TEXT PRIMARY KEY, created_at INTEGER NOT NULL, sequence INTEGER NOT NULL, time INTEGER NOT NULL
  ) STRICT;
  `,
];
