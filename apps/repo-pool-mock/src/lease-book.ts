import { DurableStore } from '@necrocode/rpc';

export type SlotState = 'available' | 'allocated' | 'cleaning' | 'broken';

/** A slot that waits ready to be lent. */
export interface ReadySlot {
  readonly slotId: string;
  readonly repo: string;
  /** What is checked out; empty: nothing. */
  readonly commit: string;
  /** Git dir of the mirror from which it borrows; empty: none. */
  readonly mirror: string;
}

export interface Borrower {
  readonly runnerId: string;
  readonly specName: string;
  readonly taskId: string;
  /** Fencing token of the task's lease in the Task Registry; 0 when it was not told. */
  readonly taskToken: number;
}

export interface Lease {
  readonly leaseId: string;
  readonly fencingToken: number;
  readonly slotId: string;
  readonly repo: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly ended: boolean;
}

/** For how long a lease is given, and from when; milliseconds. */
export interface LeaseTerm {
  readonly from: number;
  readonly ms: number;
}

export interface SlotRow {
  readonly slotId: string;
  readonly repo: string;
  readonly state: SlotState;
  readonly mirror: string;
  readonly hasDirectory: boolean;
  /** Of the one lease that the slot ever had. */
  readonly leaseId: string | null;
  readonly runnerId: string | null;
  readonly specName: string | null;
  readonly taskId: string | null;
  readonly expiresAt: number | null;
  readonly endedAt: number | null;
}

/** A runner whose calls failed comes back within about 2 s (the channel's reconnect backoff). */
const shortestGraceMs = 5_000;

/** How long an ended lease is remembered, so that a late release of it is recognised. */
const endedLeaseMemoryMs = 24 * 60 * 60 * 1000;

/** Slots and leases as they stand on disk. Methods that write are atomic only inside `store.transaction`. */
export class LeaseBook {
  constructor(private readonly store: DurableStore) {}

  addSlot(slot: ReadySlot, state: 'available' | 'allocated', hasDirectory: boolean): void {
    this.store.db
      .prepare(
        'INSERT INTO slots (slot_id, repo, state, commit_id, mirror, has_directory) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(slot.slotId, slot.repo, state, slot.commit, slot.mirror, hasDirectory ? 1 : 0);
  }

  /** The slot of `repo` that has waited longest. */
  nextAvailable(repo: string): ReadySlot | undefined {
    return this.available(repo)[0];
  }

  available(repo: string): ReadySlot[] {
    return this.store.db
      .prepare(
        `SELECT slot_id AS slotId, repo, commit_id AS "commit", mirror FROM slots
         WHERE repo = ? AND state = 'available' ORDER BY rowid`,
      )
      .all(repo) as unknown as ReadySlot[];
  }

  setState(slotId: string, state: SlotState): void {
    this.store.db.prepare('UPDATE slots SET state = ? WHERE slot_id = ?').run(state, slotId);
  }

  removeSlot(slotId: string): void {
    this.store.db.prepare('DELETE FROM slots WHERE slot_id = ?').run(slotId);
  }

  /** Tokens grow over the whole life of the database, whatever is deleted from it. */
  addLease(leaseId: string, slot: ReadySlot, borrower: Borrower, term: LeaseTerm): Lease {
    const expiresAt = term.from + term.ms;
    const { lastInsertRowid } = this.store.db
      .prepare(
        `INSERT INTO leases (lease_id, slot_id, repo, runner_id, spec_name, task_id, task_token, expires_at,
                             lease_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(
        leaseId,
        slot.slotId,
        slot.repo,
        borrower.runnerId,
        borrower.specName,
        borrower.taskId,
        borrower.taskToken,
        expiresAt,
        term.ms,
      );
    const { slotId, repo } = slot;
    return { leaseId, fencingToken: Number(lastInsertRowid), slotId, repo, expiresAt, ended: false };
  }

  lease(leaseId: string): Lease | undefined {
    const row = this.store.db.prepare(`${selectLease} WHERE lease_id = ?`).get(leaseId);
    return row && toLease(row as unknown as LeaseColumns);
  }

  expired(now: number): Lease[] {
    const rows = this.store.db.prepare(`${selectLease} WHERE ended_at IS NULL AND expires_at <= ?`).all(now);
    return (rows as unknown as LeaseColumns[]).map(toLease);
  }

  /** @returns when it ends now, milliseconds since the epoch */
  renewLease(leaseId: string, term: LeaseTerm): number {
    const expiresAt = term.from + term.ms;
    this.store.db
      .prepare('UPDATE leases SET expires_at = ?, lease_ms = ? WHERE lease_id = ?')
      .run(expiresAt, term.ms, leaseId);
    return expiresAt;
  }

  /**
   * Leases could not be renewed while the pool was away. They count as renewed at this moment, since their
   * holders renew them several times within their length.
   */
  extendLeases(now: number): void {
    this.store.db
      .prepare('UPDATE leases SET expires_at = max(expires_at, ? + max(lease_ms, ?)) WHERE ended_at IS NULL')
      .run(now, shortestGraceMs);
  }

  endLease(leaseId: string, now: number): void {
    this.store.db.prepare('UPDATE leases SET ended_at = ? WHERE lease_id = ?').run(now, leaseId);
  }

  /** The highest token of the Task Registry that any lease of the task came with. */
  highestTaskToken(specName: string, taskId: string): number {
    const row = this.store.db
      .prepare('SELECT max(task_token) AS token FROM leases WHERE spec_name = ? AND task_id = ?')
      .get(specName, taskId) as { token: number | null };
    return row.token ?? 0;
  }

  /** Slots in a state, of one repository or of all of them. */
  count(state: SlotState, repo?: string): number {
    const row = this.store.db
      .prepare('SELECT count(*) AS n FROM slots WHERE state = ? AND repo = coalesce(?, repo)')
      .get(state, repo ?? null) as { n: number };
    return row.n;
  }

  /** All slots, or those of one repository, the oldest first. */
  slots(repo?: string): SlotRow[] {
    const rows = this.store.db
      .prepare(
        `SELECT s.slot_id AS slotId, s.repo, s.state, s.mirror, s.has_directory AS hasDirectory, l.lease_id AS leaseId,
                l.runner_id AS runnerId, l.spec_name AS specName, l.task_id AS taskId, l.expires_at AS expiresAt,
                l.ended_at AS endedAt
         FROM slots s LEFT JOIN leases l ON l.slot_id = s.slot_id
         WHERE s.repo = coalesce(?, s.repo) ORDER BY s.rowid`,
      )
      .all(repo ?? null) as unknown as (Omit<SlotRow, 'hasDirectory'> & { hasDirectory: number })[];
    return rows.map((row) => ({ ...row, hasDirectory: row.hasDirectory === 1 }));
  }

  forgetEndedLeases(now: number): void {
    this.store.db.prepare('DELETE FROM leases WHERE ended_at < ?').run(now - endedLeaseMemoryMs);
  }
}

export const migrations = [
  `CREATE TABLE slots (
     slot_id TEXT NOT NULL UNIQUE, repo TEXT NOT NULL, state TEXT NOT NULL, commit_id TEXT NOT NULL,
     mirror TEXT NOT NULL, has_directory INTEGER NOT NULL
   ) STRICT;
   CREATE INDEX slots_by_repo ON slots (repo, state);
   CREATE TABLE leases (
     fencing_token INTEGER PRIMARY KEY AUTOINCREMENT, lease_id TEXT NOT NULL UNIQUE,
     slot_id TEXT NOT NULL, repo TEXT NOT NULL,
     runner_id TEXT NOT NULL, spec_name TEXT NOT NULL, task_id TEXT NOT NULL, task_token INTEGER NOT NULL,
     expires_at INTEGER NOT NULL, ended_at INTEGER
   ) STRICT;
   CREATE INDEX leases_by_task ON leases (spec_name, task_id);
   CREATE INDEX leases_by_slot ON leases (slot_id);
   CREATE INDEX leases_open ON leases (expires_at) WHERE ended_at IS NULL;`,
  `ALTER TABLE leases ADD COLUMN lease_ms INTEGER NOT NULL DEFAULT 60000;`,
];

const selectLease = `
  SELECT lease_id AS leaseId, fencing_token AS fencingToken, slot_id AS slotId, repo, expires_at AS expiresAt,
         ended_at AS endedAt
  FROM leases`;

type LeaseColumns = Omit<Lease, 'ended'> & { readonly endedAt: number | null };

function toLease({ endedAt, ...lease }: LeaseColumns): Lease {
  return { ...lease, ended: endedAt !== null };
}
