import { join } from 'node:path';
import type { StatementSync } from 'node:sqlite';
import type { TaskKey } from '@necrocode/contracts';
import { DurableStore } from '@necrocode/rpc';
import { migrations } from './schema.js';

/** A prepared statement for a text, made once per text. */
export type Sql = (text: string) => StatementSync;

/** How much of something there may be. */
export interface RegistryLimits {
  /** Tasks of one repository that may run at the same time; 0: any number. */
  readonly maxInFlightPerRepo: number;
  /** Tasks of one repository that may run although those of others wait; 0: any number. */
  readonly fairSharePerRepo: number;
  /** Attempts of one run that may fail. */
  readonly maxAttempts: number;
  /** Attempts of one run whose runner may die or be stopped. */
  readonly maxLostAttempts: number;
}

/** One transaction: what the rules write through, and what is told to others once it has committed. */
export interface Change {
  readonly sql: Sql;
  readonly now: number;
  readonly limits: RegistryLimits;
  /** Row ids of tasks that gained events. */
  readonly touched: Set<number>;
  /** Running tasks whose runners are to be told at once that they should stop. */
  readonly cancels: { readonly key: TaskKey; readonly reason: string }[];
}

export interface RegistryOptions extends RegistryLimits {
  readonly dataDir: string;
  readonly now?: () => number;
}

type Codec<T> = Parameters<typeof DurableStore.prototype.once<T>>[2];
type Listener = (change: Change) => void;

/**
 * The registry's state in one file. Everything that changes it goes through `change`: state, events
 * and outbox rows of a call become durable together or not at all.
 */
export class Registry {
  readonly sql: Sql;
  readonly now: () => number;
  private readonly store: DurableStore;
  private readonly limits: RegistryLimits;
  private readonly listeners = new Set<Listener>();

  constructor(options: RegistryOptions) {
    this.store = new DurableStore(join(options.dataDir, 'task-registry.sqlite'), migrations);
    this.sql = preparing(this.store);
    this.now = options.now ?? Date.now;
    this.limits = options;
  }

  /** Does a call's work once per idempotency key; a repeated call gets the first one's answer. */
  once<T>(method: string, idempotencyKey: string, codec: Codec<T>, work: (change: Change) => T): T {
    const change = this.begin();
    const answer = this.store.once(method, idempotencyKey, codec, () => work(change));
    this.tell(change);
    return answer;
  }

  /** The same for work that the registry does of its own accord. */
  change<T>(work: (change: Change) => T): T {
    const change = this.begin();
    const answer = this.store.transaction(() => work(change));
    this.tell(change);
    return answer;
  }

  /** Calls `listener` after every committed change. Returns what ends that. */
  onCommitted(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  forgetOldAnswers(): void {
    this.store.forgetOldAnswers(this.now());
  }

  close(): void {
    this.store.close();
  }

  private begin(): Change {
    const { sql, limits } = this;
    return { sql, limits, now: this.now(), touched: new Set(), cancels: [] };
  }

  private tell(change: Change): void {
    for (const listener of this.listeners) listener(change);
  }
}

function preparing({ db }: DurableStore): Sql {
  const prepared = new Map<string, StatementSync>();
  return (text) => {
    const known = prepared.get(text);
    if (known) return known;
    const statement = db.prepare(text);
    prepared.set(text, statement);
    return statement;
  };
}
