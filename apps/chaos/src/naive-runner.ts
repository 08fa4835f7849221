/**
 * A runner as it is written first: take a message, clone or pull into the directory of the repository, ask the
 * model, test, commit, push, publish the result, note that it is done. No leases, no tokens, nothing stored
 * on the way. The suite runs it beside the real one, to show that it sees what goes wrong. One file, run from
 * its source: nothing of the system but the names on the wire.
 */
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { jetstream, type JsMsg } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { consumerName, defaultPlace, streams, subjects, taskSchema, type Task } from '@necrocode/contracts';

const run = promisify(execFile);
const { NATS_URL = '', OPENAI_BASE_URL = '', NAIVE_DIR = '', NAIVE_ACK = '' } = process.env;
const parallel = 2;
/** An allocated slot is waited for; after that it must have been forgotten. */
const slotPatienceMs = 3_000;

const connection = await connect({ servers: NATS_URL, maxReconnectAttempts: -1 });
const consumer = await jetstream(connection).consumers.get(streams.tasks.name, consumerName(defaultPlace));
await Promise.all(Array.from({ length: parallel }, takeTasks));

async function takeTasks(): Promise<never> {
  for (;;) {
    const message = await consumer.next({ expires: 1_000 }).catch(() => null);
    if (message) await work(message).catch((error: unknown) => console.error(error));
  }
}

async function work(message: JsMsg): Promise<void> {
  const task = taskSchema.parse(message.json());
  if (NAIVE_ACK === 'ack-first') message.ack();
  const slot = await takeSlot(task);
  try {
    const commit = await solve(task, slot.directory);
    await finish(task, 'done', commit);
  } catch (error) {
    console.error(error);
    await finish(task, 'failed', null);
  } finally {
    rmSync(slot.marker, { force: true });
  }
  if (NAIVE_ACK === 'ack-late') message.ack();
}

async function takeSlot(task: Task): Promise<{ directory: string; marker: string }> {
  const directory = join(NAIVE_DIR, 'slots', `${task.spec_name}-${task.task_id}`);
  const marker = `${directory}.allocated`;
  const giveUpAt = Date.now() + slotPatienceMs;
  while (existsSync(marker) && Date.now() < giveUpAt) await pause(100);
  mkdirSync(dirname(marker), { recursive: true });
  writeFileSync(marker, `${task.spec_name}/${task.task_id}`);
  return { directory, marker };
}

/** Returns the commit that was pushed. */
async function solve(task: Task, directory: string): Promise<string> {
  const git = async (...args: string[]) => (await run('git', args, { cwd: directory })).stdout.trim();
  if (existsSync(join(directory, '.git'))) {
    await git('checkout', '--quiet', 'main');
    await git('pull', '--quiet');
  } else {
    await run('git', ['clone', '--quiet', task.repo_url, directory]);
  }
  const branch = `feature/task-${task.spec_name}-${task.task_id}`;
  await git('checkout', '--quiet', '-b', branch).catch(() => git('checkout', '--quiet', branch));
  for (const change of await askModel(task, directory)) {
    writeFileSync(join(directory, change.file_path), change.content);
  }
  for (const command of task.test_commands ?? []) await test(task, command, directory);
  await git('add', '--all');
  await git('commit', '--quiet', '--message', task.title);
  const taken = (await git('ls-remote', '--heads', 'origin', branch)) !== '';
  await git('push', '--quiet', 'origin', `HEAD:refs/heads/${taken ? `${branch}-2` : branch}`);
  return git('rev-parse', 'HEAD');
}

async function askModel(
  task: Task,
  directory: string,
): Promise<readonly { file_path: string; content: string }[]> {
  const readme = readFileSync(join(directory, 'README.md'), 'utf8');
  const content = `Task: ${task.spec_name}/${task.task_id}\n${task.description}\n${readme}`;
  const reply = await fetch(`${OPENAI_BASE_URL}/chat/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'any', messages: [{ role: 'user', content }] }),
  });
  const completion = (await reply.json()) as { choices: [{ message: { content: string } }] };
  const answer = JSON.parse(completion.choices[0].message.content) as {
    code_changes: { file_path: string; content: string }[];
  };
  return answer.code_changes;
}

function test(task: Task, command: string, directory: string): Promise<void> {
  const subject = subjects.logs({ specName: task.spec_name, taskId: task.task_id });
  const child = spawn('sh', ['-c', command], { cwd: directory });
  child.stdout.on('data', (output: Buffer) =>
    connection.publish(subject, JSON.stringify({ output: output.toString() })),
  );
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} failed`))));
  });
}

async function finish(task: Task, status: 'done' | 'failed', commit: string | null): Promise<void> {
  const key = { specName: task.spec_name, taskId: task.task_id };
  const result = { spec_name: task.spec_name, task_id: task.task_id, status, commit };
  await jetstream(connection).publish(subjects.result(key), JSON.stringify(result));
  const file = join(NAIVE_DIR, 'ended', task.spec_name, task.task_id);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, status);
}
