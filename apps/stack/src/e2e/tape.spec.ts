import { jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { TaskPreview } from '@necrocode/contracts';
import { tempDir } from '@necrocode/testkit';
import { readTape } from '../read-tape.js';
import { workspaceRoot } from '../workspace-root.js';
import { RemoteRepository } from './remote-repository.js';
import { startTestStack, type TaskDocument, type TestStack } from './test-stack.js';

jest.setTimeout(120_000);

let system: TestStack;
beforeAll(async () => {
  system = await startTestStack({ runners: 1, maxParallel: 1 });
});
afterAll(() => system?.stop());

const files = {
  'src/answer.txt': '41\n',
  'check.sh': 'echo "the answer is $(cat src/answer.txt)"; test "$(cat src/answer.txt)" = 42\n',
};

const taskFor = (id: string, remote: RemoteRepository, more = {}): TaskDocument => ({
  spec_name: 'tape',
  task_id: id,
  title: 'Correct the answer',
  description: 'src/answer.txt must say 42.',
  repo_url: remote.path,
  test_commands: ['sh check.sh'],
  ...more,
});

const branchOf = (task: TaskDocument) => `feature/task-${task.spec_name}-${task.task_id}`;

/** An answer that writes the text; with figures that no estimate would give. */
function answer(content: string, inputTokens: number) {
  const change = { file_path: 'src/answer.txt', operation: 'modify', content: `${content}\n` };
  const usage = { input_tokens: inputTokens, cached_tokens: 3, output_tokens: 7 };
  return { answer: { code_changes: [change] }, usage };
}

/** Runs the command line as a user would. Resolves with what it printed. */
async function necro(words: readonly string[], input = ''): Promise<string> {
  const { nats_url, task_registry, artifact_store } = system.stack.ready;
  const child = spawn(process.execPath, [join(workspaceRoot, 'apps/cli/bin/necro.js'), ...words], {
    env: {
      ...process.env,
      NATS_URL: nats_url,
      TASK_REGISTRY_URL: task_registry,
      ARTIFACT_STORE_URL: artifact_store,
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child.stdin.end(input);
  return text(child.stdout);
}

async function record(id: string): Promise<{ file: string; task: TaskDocument; remote: RemoteRepository }> {
  const remote = RemoteRepository.make(files);
  const task = taskFor(id, remote);
  await system.script(task, [{ text: 'Let me think.' }, answer('43', 1_111), answer('42', 2_222)]);
  await system.publish(task);
  expect(await system.result(task)).toMatchObject({ status: 'done', rounds: 3 });
  const folder = tempDir();
  await necro(['artifacts', `tape/${id}`, '--download', folder]);
  return { file: join(folder, 'transcript-transcript.jsonl'), task, remote };
}

/** As the stack does with the script of a tape. */
async function play(file: string): Promise<void> {
  const url = system.stack.ready.llm_base_url.replace(/\/v1$/, '/__script');
  const reply = await fetch(url, { method: 'POST', body: JSON.stringify(readTape(file).script) });
  expect(reply.status).toBe(200);
}

describe('a transcript as a tape', () => {
  it('[AR-3.4] gives the same commit tree and the same usage again, then says that it has run out', async () => {
    const { file, task, remote } = await record('1');
    const recorded = await system.result(task);

    await play(file);
    const other = RemoteRepository.make(files);
    const again = taskFor('2', other);
    await system.publish(again);
    const replayed = await system.result(again);
    expect(replayed).toMatchObject({ status: 'done', rounds: 3, usage: recorded.usage });
    expect(replayed.usage.input_tokens).toBeGreaterThan(3_333);
    const tree = remote.git('rev-parse', `${branchOf(task)}^{tree}`);
    expect(other.git('rev-parse', `${branchOf(again)}^{tree}`)).toBe(tree);

    const demanding = taskFor('3', RemoteRepository.make({ ...files, 'check.sh': 'exit 1\n' }), {
      budget: { max_rounds: 9 },
    });
    await system.publish(demanding);
    const { error } = await system.result(demanding);
    expect(error).toMatchObject({ code: 'llm_bad_request', retryable: false });
    expect(error?.message).toContain(`its 3 answers are used, the last one is on line 3 of ${file}`);
  });
});

describe('the dry run', () => {
  it('[AR-3.1] shows exactly what the model is then asked', async () => {
    const task = taskFor('4', RemoteRepository.make(files));
    const preview = JSON.parse(
      await necro(['submit', '-', '--dry-run', '--json'], JSON.stringify(task)),
    ) as TaskPreview;
    expect(await system.llmCalls(task)).toEqual([]);
    expect(await system.task({ specName: 'tape', taskId: '4' })).toBeUndefined();

    await system.script(task, [answer('42', 1)]);
    await system.publish(task);
    await system.result(task);
    const [call] = await system.llmCalls(task);
    expect(call?.request.messages).toEqual(preview.prompt.map(({ role, content }) => ({ role, content })));
  });
});
