import { z } from 'zod';
import { specNameSchema, taskIdSchema } from './ids.js';

export const eventTypes = [
  'TaskCreated',
  'TaskClaimed',
  'TaskParked',
  'TaskReady',
  'StageStarted',
  'StageEnded',
  'AnswerRead',
  'ChangeApplied',
  'RoundEnded',
  'CommitDecided',
  'BranchPushed',
  'ArtifactStored',
  'LeaseExpired',
  'LeaseReleased',
  'CancelRequested',
  'TaskRefused',
  'TaskCompleted',
  'TaskFailed',
  'TaskCancelled',
] as const;
export type EventType = (typeof eventTypes)[number];

/** An event as published on `necrocode.events.<type>.<spec>.<task-id>` and shown by `necro get`. */
export const taskEventSchema = z.strictObject({
  type: z.enum(eventTypes),
  time: z.iso.datetime(),
  spec_name: specNameSchema,
  task_id: taskIdSchema,
  run: z.int().min(0),
  attempt: z.int().min(0),
  sequence: z.int().min(1),
  data: z.record(z.string(), z.unknown()),
});
export type TaskEventDocument = Readonly<z.infer<typeof taskEventSchema>>;
