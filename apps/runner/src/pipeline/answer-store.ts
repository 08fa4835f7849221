import { randomUUID } from 'node:crypto';
import type { AttemptRecord } from './attempt-record.js';
import { storedAnswerSchema, type Checkpoint, type StoredAnswer } from './checkpoint.js';
import type { ArtifactStore, Lease, Spool, TaskRegistry } from './ports.js';

/** What answers of the model are stored with, and where those of earlier attempts come from. */
export interface AnswerStore {
  /** Whether there are answers that an earlier attempt has paid for and this one has not used yet. */
  readonly replaying: boolean;
  /** The next of them, in the order of asking; undefined after the last. */
  replay(): Promise<StoredAnswer | undefined>;
  /** Returns only when a later attempt will find the answer. */
  keep(answer: StoredAnswer): Promise<void>;
}

interface Ports {
  readonly registry: TaskRegistry;
  readonly store: ArtifactStore;
  readonly spool: Pick<Spool, 'hold'>;
}

/**
 * Keeps answers in the artifact store and their places in the run's checkpoint.
 *
 * @throws RunnerError artifact_store_unavailable when an earlier attempt's answers cannot be looked for
 */
export async function openAnswerStore(
  ports: Ports,
  lease: Lease,
  checkpoint: Checkpoint,
  record: AttemptRecord,
): Promise<AnswerStore> {
  const unnamed = lease.attempt > 1 ? await findUnnamed(ports.store, lease, checkpoint) : [];
  for (const { answer } of unnamed) record.addUsage(answer);
  const paid = [...checkpoint.answers, ...unnamed];
  let answers = paid.map(({ uri }) => ({ uri }));
  record.checkpoint = { ...record.checkpoint, base_commit: record.baseCommit, answers };
  let replayed = 0;
  const replaying = () => replayed < paid.length;
  if (!replaying()) record.countRounds(0);
  return {
    get replaying() {
      return replaying();
    },
    async replay() {
      const next = paid[replayed];
      if (!next) return undefined;
      const answer = 'answer' in next ? next.answer : await readAnswer(ports.store, next.uri);
      replayed += 1;
      if (!replaying()) record.countRounds(checkpoint.rounds_seconds ?? 0);
      return answer;
    },
    async keep(answer) {
      const artifact = {
        type: 'llm_answer',
        name: nameOf(answers.length),
        mediaType: 'application/json',
        content: Buffer.from(JSON.stringify(answer)),
        uploadId: randomUUID(),
      } as const;
      const held = ports.spool.hold(lease, artifact);
      const { uri } = await ports.store.upload(lease, artifact);
      void held.release();
      answers = [...answers, { uri }];
      const checkpoint = {
        base_commit: record.baseCommit,
        answers,
        usage: record.usage,
        unanswered: record.unanswered,
        rounds_seconds: record.roundsSeconds,
      };
      await ports.registry.saveCheckpoint(lease, checkpoint);
      record.checkpoint = checkpoint;
    },
  };
}

interface UnnamedAnswer {
  readonly uri: string;
  readonly answer: StoredAnswer;
}

/** An attempt that ended between storing an answer and naming it in the checkpoint has paid for it. */
async function findUnnamed(
  store: ArtifactStore,
  lease: Lease,
  { answers }: Checkpoint,
): Promise<UnnamedAnswer[]> {
  const stored = new Map((await store.list(lease, 'llm_answer')).map(({ name, uri }) => [name, uri]));
  const unnamed: UnnamedAnswer[] = [];
  for (;;) {
    const uri = stored.get(nameOf(answers.length + unnamed.length));
    if (uri === undefined) return unnamed;
    unnamed.push({ uri, answer: await readAnswer(store, uri) });
  }
}

/** @param before how many answers the run had before this one */
function nameOf(before: number): string {
  return `answer-${before + 1}.json`;
}

async function readAnswer(store: ArtifactStore, uri: string): Promise<StoredAnswer> {
  return storedAnswerSchema.parse(JSON.parse((await store.download(uri)).toString('utf8')));
}
