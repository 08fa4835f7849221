import type { Change, Sql } from './registry.js';

/** The last message of a stream that has been taken in. Times are the server's, in milliseconds since 1970. */
export interface StreamPosition {
  /** When the stream was made. */
  readonly createdAt: number;
  readonly sequence: number;
  readonly time: number;
}

const beginning = { sequence: 0, time: 0 };

/** Where a stream has been taken in up to; its beginning, for one that was made anew. */
export function positionIn(sql: Sql, stream: string, createdAt: number): StreamPosition {
  const known = sql(
    'SELECT created_at AS createdAt, sequence, time FROM stream_positions WHERE stream = ?',
  ).get(stream) as StreamPosition | undefined;
  return known?.createdAt === createdAt ? known : { createdAt, ...beginning };
}

/** A server that was killed may give a sequence anew; the time then tells the messages apart. */
export function isBehind(position: StreamPosition, message: { seq: number; time: Date }): boolean {
  return message.seq > position.sequence || message.time.getTime() > position.time;
}

export function savePosition({ sql }: Change, stream: string, position: StreamPosition): void {
  sql(
    `INSERT INTO stream_positions (stream, created_at, sequence, time) VALUES (?, ?, ?, ?)
     ON CONFLICT (stream) DO UPDATE SET created_at = excluded.created_at, sequence = excluded.sequence,
       time = excluded.time`,
  ).run(stream, position.createdAt, position.sequence, position.time);
}
