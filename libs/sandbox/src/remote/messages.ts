import { z } from 'zod';
import type { CommandLimits } from '../command.js';

const limit = z.number().positive().optional();

/** All that a command can be held to, or the server would refuse a runner that names another one. */
const limits = {
  memoryMb: limit,
  cpuSeconds: limit,
  cpus: limit,
  processes: limit,
  fileSizeMb: limit,
  diskMb: limit,
  temporaryMb: limit,
  openFiles: limit,
  outputBytes: limit,
} satisfies Record<keyof CommandLimits, typeof limit>;

/** What a runner and a sandbox server say to each other: a JSON document a line, one request per connection. */
export const requestSchema = z.discriminatedUnion('kind', [
  /** Makes a room, which lives as long as the connection. */
  z.strictObject({ kind: z.literal('open_room') }),
  z.strictObject({
    kind: z.literal('run'),
    room: z.string().regex(/^[0-9a-f]{24}$/),
    command: z.string(),
    env: z.record(z.string(), z.string()),
    /** HOME is the room's, shared by its commands; else an empty one. */
    sharedHome: z.boolean(),
    timeoutMs: z.number().positive(),
    outputLimitBytes: z.int().positive().optional(),
    limits: z.strictObject(limits),
  }),
  /** Second line of a connection that runs a command. */
  z.strictObject({ kind: z.literal('cancel') }),
]);
export type Request = z.infer<typeof requestSchema>;
export type RunRequest = Extract<Request, { kind: 'run' }>;

const commandResultSchema = z.object({
  exitCode: z.int().nullable(),
  signal: z.string().nullable(),
  durationMs: z.number(),
  output: z.string(),
  stdout: z.string(),
  stderr: z.string(),
  omittedBytes: z.number(),
  limitHit: z.string().nullable(),
  timedOut: z.boolean(),
  cancelled: z.boolean(),
});

export const replySchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('room'), directory: z.string() }),
  z.strictObject({ kind: z.literal('output'), stream: z.enum(['stdout', 'stderr']), text: z.string() }),
  z.strictObject({ kind: z.literal('result'), result: commandResultSchema }),
  z.strictObject({
    kind: z.literal('failed'),
    code: z.enum(['sandbox_unavailable', 'workspace_failed']),
    message: z.string(),
  }),
]);
export type Reply = z.infer<typeof replySchema>;
