import type { ArtifactType } from '@necrocode/contracts';
import type { DurableStore } from '@necrocode/rpc';
import type { ArtifactHeader } from './artifact-header.js';

const dayMs = 24 * 60 * 60 * 1000;

/** For how many days each type is kept. */
export const retentionDays: Readonly<Record<ArtifactType, number>> = {
  diff: 30,
  test_result: 14,
  log: 7,
  transcript: 30,
  commit_bundle: 30,
  llm_answer: 14,
};

export interface ArtifactRow {
  readonly id: number;
  readonly uri: string;
  readonly type: string;
  readonly specName: string;
  readonly taskId: string;
  readonly run: number;
  readonly name: string;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** JSON object of strings. */
  readonly metadata: string;
  /** Milliseconds since the epoch, like `expiresAt`. */
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** Empty strings and run 0 match all. */
export interface ArtifactFilter {
  readonly specName: string;
  readonly taskId: string;
  readonly run: number;
  readonly type: string;
}

/** An attempt, as far as later ones shut it out. */
export type Fence = Pick<ArtifactHeader, 'specName' | 'taskId' | 'run' | 'fencingToken'>;

/** Which artifacts there are. Methods that write are atomic only inside `store.transaction`. */
export class ArtifactIndex {
  constructor(private readonly store: DurableStore) {}

  /** Adds an artifact, or replaces the one of the same URI. */
  put(header: ArtifactHeader, now: number): ArtifactRow {
    this.store.db
      .prepare(
        `INSERT INTO artifacts (uri, type, spec_name, task_id, run, name, media_type, size_bytes, sha256, metadata,
                                created_at, expires_at)
         VALUES (:uri, :type, :specName, :taskId, :run, :name, :mediaType, :sizeBytes, :sha256, :metadata, :now, :expiresAt)
         ON CONFLICT (uri) DO UPDATE SET media_type = :mediaType, size_bytes = :sizeBytes, sha256 = :sha256,
           metadata = :metadata, created_at = :now, expires_at = :expiresAt`,
      )
      .run({
        uri: header.uri,
        type: header.type,
        specName: header.specName,
        taskId: header.taskId,
        run: header.run,
        name: header.name,
        mediaType: header.mediaType,
        sizeBytes: header.sizeBytes,
        sha256: header.sha256,
        metadata: JSON.stringify(header.metadata),
        now,
        expiresAt: now + retentionDays[header.type as ArtifactType] * dayMs,
      });
    return this.get(header.uri) as ArtifactRow;
  }

  get(uri: string): ArtifactRow | undefined {
    const row = this.store.db.prepare(`${selectArtifact} WHERE uri = ?`).get(uri);
    return row as unknown as ArtifactRow | undefined;
  }

  delete(uri: string): void {
    this.store.db.prepare('DELETE FROM artifacts WHERE uri = ?').run(uri);
  }

  /** Artifacts after the one with id `after`, in the order in which they came. */
  list(filter: ArtifactFilter, after: number, limit: number): ArtifactRow[] {
    return this.store.db
      .prepare(
        `${selectArtifact}
         WHERE id > :after AND (:specName = '' OR spec_name = :specName) AND (:taskId = '' OR task_id = :taskId)
           AND (:run = 0 OR run = :run) AND (:type = '' OR type = :type)
         ORDER BY id LIMIT :limit`,
      )
      .all({ ...filter, after, limit }) as unknown as ArtifactRow[];
  }

  expired(now: number): ArtifactRow[] {
    return this.store.db
      .prepare(`${selectArtifact} WHERE expires_at <= ?`)
      .all(now) as unknown as ArtifactRow[];
  }

  isReferredTo(sha256: string): boolean {
    return (
      this.store.db.prepare('SELECT 1 FROM artifacts WHERE sha256 = ? LIMIT 1').get(sha256) !== undefined
    );
  }

  sizes(): { type: string; artifacts: number; sizeBytes: number }[] {
    return this.store.db
      .prepare(
        'SELECT type, count(*) AS artifacts, sum(size_bytes) AS sizeBytes FROM artifacts GROUP BY type',
      )
      .all() as unknown as { type: string; artifacts: number; sizeBytes: number }[];
  }

  /** Raises the highest token seen for a run; false, and nothing done, when `token` is lower. */
  raiseToken({ specName, taskId, run, fencingToken }: Fence): boolean {
    const { changes } = this.store.db
      .prepare(
        `INSERT INTO fences (spec_name, task_id, run, token) VALUES (?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET token = excluded.token WHERE excluded.token >= token`,
      )
      .run(specName, taskId, run, fencingToken);
    return changes === 1;
  }
}

export const migrations = [
  `CREATE TABLE artifacts (
     id INTEGER PRIMARY KEY AUTOINCREMENT, uri TEXT NOT NULL UNIQUE, type TEXT NOT NULL, spec_name TEXT NOT NULL,
     task_id TEXT NOT NULL, run INTEGER NOT NULL, name TEXT NOT NULL, media_type TEXT NOT NULL,
     size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL, metadata TEXT NOT NULL,
     created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX artifacts_by_task ON artifacts (spec_name, task_id);
   CREATE INDEX artifacts_by_content ON artifacts (sha256);
   CREATE INDEX artifacts_by_end ON artifacts (expires_at);
   CREATE TABLE fences (
     spec_name TEXT NOT NULL, task_id TEXT NOT NULL, run INTEGER NOT NULL, token INTEGER NOT NULL,
     PRIMARY KEY (spec_name, task_id, run)
   ) STRICT;`,
];

const selectArtifact = `
  SELECT id, uri, type, spec_name AS specName, task_id AS taskId, run, name, media_type AS mediaType,
         size_bytes AS sizeBytes, sha256, metadata, created_at AS createdAt, expires_at AS expiresAt
  FROM artifacts`;
