import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { formatProblems, parseTask, type Task, type TaskResult } from '@necrocode/contracts';
import { startOtlpReceiver, type OtlpReceiver } from '@necrocode/telemetry';
import { plainGit } from './plain-git.js';
import { readTape, TapeProblem, type Tape } from './read-tape.js';
import { makeSampleRepository } from './sample-repository.js';
import { showEvidence } from './show-evidence.js';
import { startStack, type ReadyLine, type StackOptions } from './start-stack.js';
import { drawWaterfall } from './waterfall.js';
import { defaultDataDir, workspaceRoot } from './workspace-root.js';

/** `npm run demo`: one task from nothing to a pushed branch, told as it happens. Ends 0 when the task is done. */
const values = readOptions();

const dataDir = join(defaultDataDir, 'demo');
process.exitCode = await demo();

function readOptions() {
  const options = {
    repo: { type: 'string' },
    task: { type: 'string' },
    tape: { type: 'string' },
    'llm-script': { type: 'string' },
    verbose: { type: 'boolean', default: false },
  } as const;
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    const why = error instanceof Error ? error.message : 'bad options';
    process.stderr.write(
      `demo: ${why}\nusage: npm run demo -- [--repo PATH_OR_URL] [--task FILE] [--tape FILE] [--verbose]\n`,
    );
    process.exit(2);
  }
}

async function demo(): Promise<number> {
  // Before the folder is cleared: the tape may be the transcript of the last demonstration.
  const tape = chooseTape();
  if (tape === 'unusable') return 2;
  rmSync(dataDir, { recursive: true, force: true });
  const task = chooseTask();
  if (!task) return 2;
  // The waterfall is drawn from what passes here; a collector of the user's gets it as well.
  const receiver = await startOtlpReceiver(process.env.OTEL_EXPORTER_OTLP_ENDPOINT);
  say(`Starting NATS, the three services, ${llmName(tape)} and a runner …`);
  const stack = await startStack(
    {
      runners: 1,
      maxParallel: 1,
      dataDir,
      ...scriptedLlm(tape),
      environment: {
        ...receiver.environment,
        OTEL_BSP_SCHEDULE_DELAY: '200',
        ...(tape?.model && { LLM_MODEL: tape.model }),
      },
    },
    logTo(join(dataDir, 'demo.log')),
  );
  const interrupt = () => void stack.stop().then(() => process.exit(130));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    return await runDemo(task, stack.ready, receiver);
  } finally {
    await stack.stop();
    await receiver.close();
  }
}

async function runDemo(task: Task, ready: ReadyLine, receiver: OtlpReceiver): Promise<number> {
  const key = `${task.spec_name}/${task.task_id}`;
  say(`Publishing ${key} "${task.title}" for ${task.repo_url}\n`);
  const environment = {
    NATS_URL: ready.nats_url,
    TASK_REGISTRY_URL: ready.task_registry,
    REPO_POOL_URL: ready.repo_pool,
    ARTIFACT_STORE_URL: ready.artifact_store,
    ...receiver.environment,
  };
  await necro(['submit', '-', '--watch'], environment, { input: JSON.stringify(task), show: true });
  const shown = JSON.parse(await necro(['get', key, '--json'], environment)) as { result: TaskResult | null };
  const { result } = shown;
  if (!result) {
    say(`\nThe task has no result. The log of all processes is in ${join(dataDir, 'demo.log')}`);
    return 1;
  }
  const artifacts = join(dataDir, 'artifacts');
  await necro(['artifacts', key, '--download', artifacts], environment);
  say(showEvidence(result, artifacts));
  if (result.trace_id) say(`\nTrace ${result.trace_id}\n${await collectTrace(receiver, result.trace_id)}`);
  say(`\nEverything is in ${dataDir}. ${result.status === 'done' ? hint(task, result) : ''}`);
  return result.status === 'done' ? 0 : 1;
}

function chooseTape(): Tape | undefined | 'unusable' {
  if (!values.tape) return undefined;
  try {
    return readTape(resolve(values.tape));
  } catch (error) {
    if (!(error instanceof TapeProblem)) throw error;
    say(`demo: ${error.message}`);
    return 'unusable';
  }
}

function scriptedLlm(tape: Tape | undefined): Pick<StackOptions, 'llmScript' | 'answerFormat'> {
  if (!tape) return values['llm-script'] ? { llmScript: resolve(values['llm-script']) } : {};
  const llmScript = join(dataDir, 'tape-script.json');
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(llmScript, JSON.stringify(tape.script));
  return { llmScript, answerFormat: tape.answerFormat };
}

function chooseTask(): Task | undefined {
  const file = values.task ?? join(workspaceRoot, 'examples/sample/task.json');
  let document: Record<string, unknown>;
  try {
    document = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  } catch (error) {
    say(
      `demo: ${file} is not a readable JSON file (${error instanceof Error ? error.message : 'unreadable'})`,
    );
    return undefined;
  }
  const own = values.repo ?? (values.task ? undefined : makeSampleRepository(dataDir));
  const parsed = parseTask(JSON.stringify({ ...document, ...(own && { repo_url: repositoryUrl(own) }) }));
  if (parsed.kind === 'task') return parsed.task;
  const why =
    parsed.kind === 'invalid'
      ? formatProblems(parsed.problems)
      : `schema_version ${parsed.schemaVersion} is newer than this runner`;
  say(`demo: ${file} is not a valid task: ${why}`);
  return undefined;
}

/** A path on disk becomes absolute; anything with a scheme, and host:path of ssh, stays as it is. */
function repositoryUrl(pathOrUrl: string): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(pathOrUrl) || isAbsolute(pathOrUrl)) return pathOrUrl;
  return /^[\w.-]+@[\w.-]+:/.test(pathOrUrl) ? pathOrUrl : resolve(pathOrUrl);
}

function llmName(tape: Tape | undefined): string {
  if (tape) return `an LLM that plays ${tape.file} (answers: ${tape.answers})`;
  if (values['llm-script']) return `an LLM that plays ${values['llm-script']}`;
  if (process.env.OPENAI_BASE_URL) return `your LLM at ${new URL(process.env.OPENAI_BASE_URL).host}`;
  return process.env.OPENAI_API_KEY ? 'the OpenAI API' : 'a scripted LLM (set OPENAI_API_KEY for a real one)';
}

/** Runs the command line as a user would. Resolves with what it printed, whatever its exit code. */
function necro(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  { input = '', show = false } = {},
): Promise<string> {
  const child = spawn(process.execPath, [join(workspaceRoot, 'apps/cli/bin/necro.js'), ...args], {
    env: { ...process.env, NODE_NO_WARNINGS: '1', OTEL_SERVICE_NAME: 'necro', ...environment },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const printed: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    printed.push(chunk);
    if (show) process.stdout.write(chunk);
  });
  child.stdin.end(input);
  return new Promise((resolve) =>
    child.once('close', () => resolve(Buffer.concat(printed).toString('utf8'))),
  );
}

/** Spans come in batches; the consumer's span, the last to end, completes the picture. */
async function collectTrace(receiver: OtlpReceiver, traceId: string): Promise<string> {
  const spansOf = () => receiver.spans.filter((span) => span.traceId === traceId);
  const complete = () =>
    ['task', 'release_slot'].every((name) => spansOf().some((span) => span.name === name));
  for (let waited = 0; waited < 5_000 && !complete(); waited += 100) await pause(100);
  return drawWaterfall(spansOf());
}

function hint(task: Task, result: TaskResult): string {
  if (values.repo ?? values.task) return '';
  const log = plainGit(dataDir, '--git-dir', task.repo_url, 'log', '--oneline', '-2', result.branch ?? '');
  return `The remote's branch now:\n${log}`;
}

function logTo(file: string): (line: string) => void {
  let stream: ReturnType<typeof createWriteStream> | undefined;
  return (line) => {
    stream ??= createWriteStream(file);
    stream.write(`${line}\n`);
    if (values.verbose || line.startsWith('stack:')) process.stderr.write(`${line}\n`);
  };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
