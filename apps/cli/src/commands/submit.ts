import {
  branchOf,
  consumerName,
  digestOf,
  formatKey,
  keyOf,
  msgIdOf,
  queuePattern,
  streams,
  subjects,
  type Priority,
  type QueuePlace,
  type Task,
} from '@necrocode/contracts';
import { ensureStreams, publishTask, type NatsConnection } from '@necrocode/messaging';
import { SpanKind, withSpan } from '@necrocode/telemetry';
import { CommandRefused } from '../command-refused.js';
import { isNobodyListening, isNotFound, manageStreams, withNats } from '../reach/nats.js';
import { previewByRunner } from '../reach/runner.js';
import { readTaskFile } from '../read-task-file.js';
import type { ExitCode, Session } from '../session.js';
import { renderPreview } from '../show/task-preview.js';
import { followSubmission, noteStanding } from './follow-submission.js';

export interface SubmitOptions {
  readonly queue?: string;
  readonly priority: Priority;
  readonly watch?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/**
 * Publishes the task in a file to its queue. With `watch`, succeeds only when the task ends as done. With
 * `dryRun`, publishes nothing and shows the first request that a model would get.
 *
 * @param file path of a JSON document; `-` for standard input
 * @throws CommandRefused that names every problem of the task; then nothing was published
 */
export async function submit(file: string, options: SubmitOptions, session: Session): Promise<ExitCode> {
  const task = await readTaskFile(file, session.input);
  const place = {
    queue: readQueue(options.queue ?? task.required_skill ?? 'default'),
    priority: options.priority,
  };
  const order = describeOrder(task, place);
  if (options.dryRun) {
    await dryRun(task, order, options, session);
    return 0;
  }
  const before = options.watch ? await noteStanding(task, session) : undefined;
  const { duplicate, served } = await withNats(session.endpoints.nats, async (connection) => ({
    ...(await publish(connection, task, place)),
    served: await hasConsumer(connection, place),
  }));
  if (!served) {
    session.terminal.note(
      `warning: no runner has served the queue "${place.queue}" so far; the task waits until one does (RUNNER_QUEUES)`,
    );
  }
  const published = { ...order, published: true, duplicate };
  if (!before) {
    show(published, options, session);
    return 0;
  }
  if (!options.json) show(published, options, session);
  const ending = await followSubmission(task, before, duplicate, Boolean(options.json), session);
  if (options.json) session.terminal.print(JSON.stringify({ ...published, ...ending }));
  return ending.status === 'done' ? 0 : 1;
}

/** Asks a runner what it would send to the model; NATS, services and the model hear nothing of it. */
async function dryRun(
  task: Task,
  order: Omit<OrderFacts, 'published'>,
  { json }: SubmitOptions,
  { environment, terminal }: Session,
): Promise<void> {
  const preview = await previewByRunner(task, environment);
  const facts = { ...order, published: false };
  if (json) terminal.print(JSON.stringify({ ...facts, ...preview }));
  else terminal.print(`${describe(facts)}\n${renderPreview(preview, terminal)}`);
}

interface OrderFacts {
  readonly key: string;
  readonly subject: string;
  readonly msg_id: string;
  readonly branch: string;
  readonly digest: string;
  readonly published: boolean;
  readonly duplicate?: boolean;
}

function readQueue(queue: string): string {
  if (queuePattern.test(queue)) return queue;
  throw new CommandRefused(
    `--queue: "${queue}" is no name of a queue, it must match ${queuePattern.source}`,
    2,
  );
}

function describeOrder(task: Task, place: QueuePlace) {
  return {
    key: formatKey(keyOf(task)),
    subject: subjects.task(place),
    msg_id: msgIdOf(task),
    branch: branchOf(task),
    digest: digestOf(task),
  };
}

/** The span is the root of the task's trace: everything that happens to it hangs below. */
function publish(connection: NatsConnection, task: Task, place: QueuePlace): Promise<{ duplicate: boolean }> {
  const subject = subjects.task(place);
  const attributes = {
    'messaging.system': 'nats',
    'messaging.operation.type': 'send',
    'messaging.destination.name': subject,
    'messaging.message.id': msgIdOf(task),
    'necrocode.task.id': formatKey(keyOf(task)),
  };
  return withSpan(`publish ${subject}`, { kind: SpanKind.PRODUCER, attributes }, async () => {
    try {
      return await publishTask(connection, task, place);
    } catch (error) {
      if (!isNobodyListening(error)) throw error;
      // A NATS server on which nothing of this system has run yet: the task may be the first to come.
      await ensureStreams(connection);
      return publishTask(connection, task, place);
    }
  });
}

async function hasConsumer(connection: NatsConnection, place: QueuePlace): Promise<boolean> {
  const manager = await manageStreams(connection);
  try {
    await manager.consumers.info(streams.tasks.name, consumerName(place));
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    throw error;
  }
}

function show(facts: OrderFacts, { json }: SubmitOptions, { terminal }: Session): void {
  terminal.print(json ? JSON.stringify(facts) : describe(facts));
}

function describe(facts: OrderFacts): string {
  const heading = !facts.published
    ? 'valid, not published'
    : facts.duplicate
      ? 'already published'
      : 'published';
  const lines = [
    `${heading}  ${facts.key}`,
    `  subject     ${facts.subject}`,
    `  message id  ${facts.msg_id}`,
    `  branch      ${facts.branch}`,
    `  digest      ${facts.digest}`,
  ];
  if (facts.duplicate)
    lines.push('  duplicate   yes: the same content was published moments ago, this copy was dropped');
  return lines.join('\n');
}
