import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Turns a message into bytes and back: what ts-proto generates for every message. */
interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(bytes: Uint8Array): T;
}

/** How long a repeated call is still recognised. */
const idempotencyWindowMs = 24 * 60 * 60 * 1000;

/**
 * State of a service in one SQLite file. A transaction that has returned survives a crash of the
 * process and of the machine (write-ahead log, synchronous=FULL).
 */
export class DurableStore {
  readonly db: DatabaseSync;

  /**
   * @param file path of the database, or ':memory:'
   * @param migrations SQL scripts, each applied once and in order; only ever append to the list
   */
  constructor(file: string, migrations: readonly string[]) {
    if (file !== ':memory:') mkdirSync(dirname(file), { recursive: true });
    this.db = new DatabaseSync(file);
    this.db.exec(
      'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000',
    );
    this.migrate([idempotencyTable, ...migrations]);
  }

  /** Runs `work` so that all of its writes take effect, or, when it throws, none. Not to be nested. */
  transaction<T>(work: () => T): T {
    this.db.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.db.exec('COMMIT');
      return result;
    } catch (error) {
      // A full disk has taken the transaction back already.
      if (this.db.isTransaction) this.db.exec('ROLLBACK');
      throw error;
    }
  }

  /**
   * Does `work` in a transaction and keeps its answer: a repeated call with the same method and key
   * gets that answer and does nothing. An empty key does the work every time.
   */
  once<T>(method: string, key: string, codec: Codec<T>, work: () => T): T {
    return this.transaction(() => {
      if (key === '') return work();
      const known = this.db
        .prepare('SELECT response FROM idempotency WHERE method = ? AND key = ?')
        .get(method, key) as { response: Uint8Array } | undefined;
      if (known) return codec.decode(known.response);
      const response = work();
      this.db
        .prepare('INSERT INTO idempotency (method, key, response, at) VALUES (?, ?, ?, ?)')
        .run(method, key, codec.encode(response).finish(), Date.now());
      return response;
    });
  }

  /** Forgets answers that nobody can be waiting for any more. */
  forgetOldAnswers(now = Date.now()): void {
    this.db.prepare('DELETE FROM idempotency WHERE at < ?').run(now - idempotencyWindowMs);
  }

  close(): void {
    this.db.close();
  }

  private migrate(scripts: readonly string[]): void {
    const { user_version: applied } = this.db.prepare('PRAGMA user_version').get() as {
      user_version: number;
    };
    scripts.slice(applied).forEach((script, index) => {
      this.transaction(() => {
        this.db.exec(script);
        this.db.exec(`PRAGMA user_version = ${applied + index + 1}`);
      });
    });
  }
}

const idempotencyTable = `
  CREATE TABLE idempotency (
    method TEXT NOT NULL, key TEXT NOT NULL, response BLOB NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (method, key)
  ) STRICT;
  CREATE INDEX idempotency_by_age ON idempotency (at);
`;
