import { parseKey, type TaskKey } from './ids.js';

/** Priorities of the task queue, the most urgent first. */
export const priorities = ['high', 'normal', 'low'] as const;
export type Priority = (typeof priorities)[number];

export interface QueuePlace {
  readonly queue: string;
  readonly priority: Priority;
}

export const defaultPlace: QueuePlace = { queue: 'default', priority: 'normal' };

/** A queue is one NATS token: `default` or the name of a skill. */
export const queuePattern = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

/** Every subject and stream of the system. Task ids may hold dots, so a key ends a subject. */
export const streams = {
  tasks: { name: 'NECROCODE_TASKS', subjects: priorities.map((p) => `necrocode.tasks.*.${p}`) },
  results: { name: 'NECROCODE_RESULTS', subjects: ['necrocode.results.>'] },
  events: { name: 'NECROCODE_EVENTS', subjects: ['necrocode.events.>'] },
  dead: { name: 'NECROCODE_DEAD', subjects: ['necrocode.dead.*'] },
  /** Requests to cancel, for a registry that is away at the moment. */
  control: { name: 'NECROCODE_CONTROL', subjects: ['necrocode.control.cancel.>'] },
} as const;

export const subjects = {
  task: ({ queue, priority }: QueuePlace) => `necrocode.tasks.${queue}.${priority}`,
  allTasks: 'necrocode.tasks.*.*',
  tasksOfQueue: (queue: string) => `necrocode.tasks.${queue}.*`,
  result: (key: TaskKey) => `necrocode.results.${key.specName}.${key.taskId}`,
  event: (type: string, key: TaskKey) => `necrocode.events.${type}.${key.specName}.${key.taskId}`,
  dead: (queue: string) => `necrocode.dead.${queue}`,
  cancel: (key: TaskKey) => `necrocode.control.cancel.${key.specName}.${key.taskId}`,
  allCancels: 'necrocode.control.cancel.>',
  logs: (key: TaskKey) => `necrocode.logs.${key.specName}.${key.taskId}`,
} as const;

/** The durable consumer of one queue and priority. */
export function consumerName({ queue, priority }: QueuePlace): string {
  return `tasks-${queue}-${priority}`;
}

/** Reads the place out of a task's subject; undefined for any other subject. */
export function placeOfSubject(subject: string): QueuePlace | undefined {
  const [root, kind, queue, priority, ...rest] = subject.split('.');
  if (root !== 'necrocode' || kind !== 'tasks' || !queue || rest.length > 0) return undefined;
  const known = priorities.find((p) => p === priority);
  return known && { queue, priority: known };
}

/** Reads the key out of a cancel subject. */
export function keyOfCancelSubject(subject: string): TaskKey | undefined {
  const match = /^necrocode\.control\.cancel\.([^.]+)\.(.+)$/.exec(subject);
  return match ? parseKey(`${match[1]}/${match[2]}`) : undefined;
}

/** NATS headers that this system adds to a message. */
export const headers = {
  msgId: 'Nats-Msg-Id',
  traceparent: 'traceparent',
  deadReason: 'Necrocode-Reason',
  deadCode: 'Necrocode-Code',
  deadAttempts: 'Necrocode-Attempts',
  deadSubject: 'Necrocode-Subject',
  /** Where a dead letter holds only the first bytes of the message: how many there were, and their SHA-256. */
  deadOriginalBytes: 'Necrocode-Original-Bytes',
  deadOriginalSha256: 'Necrocode-Original-Sha256',
} as const;
