import type { NatsConnection } from '@necrocode/messaging';
import {
  JetStreamApiCodes,
  JetStreamApiError,
  jetstreamManager,
  type JetStreamManager,
  type StoredMsg,
} from '@nats-io/jetstream';

/** A stream whose stored messages are read by sequence. */
export interface StoredStream {
  /** In milliseconds since 1970: another one is another stream, whose sequences begin anew. */
  readonly createdAt: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** The first message from a sequence on. */
  from(sequence: number): Promise<StoredMsg | undefined>;
  has(sequence: number): Promise<boolean>;
}

/**
 * Looks at a stream as it is now.
 *
 * @param subjects filter that lets all of its subjects through
 * @param make called for a stream that is missing
 */
export async function lookAtStream(
  connection: NatsConnection,
  { name, subjects }: { readonly name: string; readonly subjects: string },
  make: () => Promise<void>,
): Promise<StoredStream> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const { created, state } = await infoOf(manager, name, make);
  const get = (query: { seq: number; next_by_subj?: string }) =>
    orNothing(manager.streams.getMessage(name, query));
  return {
    createdAt: Date.parse(created),
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
    from: (sequence) => get({ seq: Math.max(sequence, state.first_seq), next_by_subj: subjects }),
    has: async (sequence) => (await get({ seq: sequence })) !== undefined,
  };
}

async function infoOf(manager: JetStreamManager, name: string, make: () => Promise<void>) {
  const ask = () => manager.streams.info(name);
  return ask().catch(async (error: unknown) => {
    if (!(error instanceof JetStreamApiError) || error.code !== JetStreamApiCodes.StreamNotFound) throw error;
    await make();
    return ask();
  });
}

/** JetStream's "no message found". */
const noMessage = 10_037;

async function orNothing(asked: Promise<StoredMsg | null>): Promise<StoredMsg | undefined> {
  try {
    return (await asked) ?? undefined;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.code === noMessage) return undefined;
    throw error;
  }
}
