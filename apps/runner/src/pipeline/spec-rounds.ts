import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Answer, EventType, RunnerError, Task } from '@necrocode/contracts';
import { createScriptedClient, type ScriptedClient, type ScriptedTurn } from '@necrocode/llm';
import { createLogger, createMask } from '@necrocode/telemetry';
import { tempDir } from '@necrocode/testkit';
import { createSlotDirectory, type ChangedTree } from '@necrocode/workspace';
import type { AnswerFormat } from '../prompt/answer-format.js';
import { openAnswerStore } from './answer-store.js';
import { AttemptRecord } from './attempt-record.js';
import { Budget, type BudgetLimits } from './budget.js';
import { emptyCheckpoint, type Checkpoint } from './checkpoint.js';
import type { TokensInChanges } from './object-to-secrets.js';
import { ModelChoice } from './model-choice.js';
import type { ArtifactStore, Spool, TaskRegistry } from './ports.js';
import { runRounds } from './run-rounds.js';
import { Stages } from './run-stage.js';
import { defaultSensitiveFiles, SensitiveFiles } from './sensitive-files.js';
import { StageClock } from './stage-clock.js';
import { WorkSignal } from './work-signal.js';
import { prepareWorkspace, type Workspace } from './stages/prepare-workspace.js';
import type { CommandReport } from './stages/run-commands.js';

export interface RoundsOptions {
  readonly format?: AnswerFormat;
  /** A shell script, run in the work tree; it passes by default. */
  readonly test?: string;
  /** Patterns of sensitive files that changes may touch; none by default. */
  readonly allowSensitive?: readonly string[];
  readonly budget?: Partial<BudgetLimits>;
  readonly task?: Partial<Task>;
  readonly promptTokens?: number;
  readonly conversationTokens?: number;
  /** Of the runner. */
  readonly secrets?: readonly string[];
  readonly tokensInChanges?: TokensInChanges;
  /** Where the slot is made; a directory of its own by default. */
  readonly slot?: string;
  /** A shell script, run in the work tree before the first round, as a setup command would be. */
  readonly planted?: string | undefined;
  /** Called when that has happened. */
  readonly onPlanted?: () => void;
  /** What an earlier attempt left. */
  readonly checkpoint?: Checkpoint;
  /** 1 by default. A later one finds what those before it have stored. */
  readonly attempt?: number;
}

/** What the rounds did, seen from outside. */
export interface PlayedRounds {
  readonly change: ChangedTree | undefined;
  readonly error: RunnerError | undefined;
  readonly client: ScriptedClient;
  readonly record: AttemptRecord;
  /** As it was stored, oldest first. */
  readonly checkpoints: readonly Checkpoint[];
  readonly testRuns: number;
  /** Of the type RoundEnded. */
  readonly ended: readonly Readonly<Record<string, unknown>>[];
  /** The last message of a request, from 1. */
  told(request: number): string;
  /** A file as the change leaves it. */
  text(path: string): Promise<string | undefined>;
}

/** A model's turn: its words, or an answer of the form JSON. */
export type Turn = ScriptedTurn | Partial<Answer> | string;

/** For specs: the rounds of a task on a real repository, with a scripted model; tests are real commands. */
export class SpecRounds {
  private readonly artifacts = new Map<string, Buffer>();

  private constructor(private readonly remote: string) {}

  static of(
    files: Readonly<Record<string, string | Buffer>>,
    links: Readonly<Record<string, string>> = {},
  ): SpecRounds {
    const remote = tempDir('rounds-remote-');
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(remote, path)), { recursive: true });
      writeFileSync(join(remote, path), content);
    }
    for (const [path, target] of Object.entries(links)) symlinkSync(target, join(remote, path));
    const git = (...args: string[]) => execFileSync('git', args, { cwd: remote, stdio: 'ignore' });
    git('init', '--initial-branch=main');
    git('add', '--all', '--force');
    git('-c', 'user.name=s', '-c', 'user.email=s', 'commit', '--message=base');
    return new SpecRounds(remote);
  }

  /** On a repository that is there. */
  static at(remote: string): SpecRounds {
    return new SpecRounds(remote);
  }

  async play(turns: readonly [Turn, ...Turn[]], options: RoundsOptions = {}): Promise<PlayedRounds> {
    const { format = 'json', budget, checkpoint = emptyCheckpoint, attempt = 1 } = options;
    // A run of its own.
    if (attempt === 1 && checkpoint === emptyCheckpoint) this.artifacts.clear();
    const [first, ...others] = turns;
    const client = createScriptedClient([turnOf(first), ...others.map(turnOf)]);
    const task = taskOf(this.remote, options.task);
    const workspace = await this.open(task, options.slot ?? join(tempDir('rounds-slot-'), 'slot'));
    if (options.planted)
      execFileSync('sh', ['-euc', options.planted], { cwd: workspace.workTree, stdio: 'pipe' });
    options.onPlanted?.();
    const record = new AttemptRecord();
    record.resume(checkpoint);
    const checkpoints: Checkpoint[] = [];
    const events: { type: EventType; data: Readonly<Record<string, unknown>> }[] = [];
    const tell = (type: EventType, data: Readonly<Record<string, unknown>>) =>
      void events.push({ type, data });
    let testRuns = 0;
    let error: RunnerError | undefined;
    const work = new WorkSignal(60, new AbortController().signal);
    const life = { until: () => undefined };
    const change = await runRounds({
      task,
      workspace,
      budget: new Budget(task, { max_rounds: 3, max_tokens: 1_000_000, ...budget }),
      promptTokens: options.promptTokens ?? 20_000,
      conversationTokens: options.conversationTokens ?? 60_000,
      models: new ModelChoice([{ client, format }], () => undefined),
      answers: await openAnswerStore(this.portsInto(checkpoints), { ...lease, attempt }, checkpoint, record),
      draft: { begin: () => undefined },
      commands: {
        ready: () => Promise.resolve(),
        setup: () => Promise.resolve([]),
        test: () => {
          testRuns += 1;
          return runShell(options.test ?? 'true', workspace.workTree);
        },
      },
      mask: createMask(options.secrets ?? []),
      tokensInChanges: options.tokensInChanges ?? 'refuse',
      sensitiveFiles: new SensitiveFiles({
        sensitive: defaultSensitiveFiles,
        allowed: options.allowSensitive ?? [],
      }),
      record,
      stages: new Stages(
        createLogger({ name: 'spec', level: 'silent' }),
        tell,
        new StageClock({}, work, life),
      ),
      tell,
      signal: work.signal,
      permit: { holds: () => true, obtain: () => Promise.resolve() },
    }).catch((thrown: unknown) => {
      error = thrown as RunnerError;
      return undefined;
    });
    work.close();
    await workspace.close();
    return {
      change,
      error,
      client,
      record,
      checkpoints,
      testRuns,
      ended: events.flatMap(({ type, data }) => (type === 'RoundEnded' ? [data] : [])),
      told: (request) => client.requests[request - 1]?.messages.at(-1)?.content ?? '',
      text: async (path) => (await record.change?.read([path]))?.get(path)?.toString('utf8'),
    };
  }

  /** As much of the services as answers need. */
  private portsInto(checkpoints: Checkpoint[]): {
    registry: TaskRegistry;
    store: ArtifactStore;
    spool: Pick<Spool, 'hold'>;
  } {
    const registry: Pick<TaskRegistry, 'saveCheckpoint'> = {
      saveCheckpoint: (_lease, checkpoint) => Promise.resolve(void checkpoints.push(checkpoint)),
    };
    const store: ArtifactStore = {
      upload: (_lease, { type, name, content }) => {
        const uri = `memory:${name}`;
        this.artifacts.set(uri, Buffer.from(content));
        return Promise.resolve({ type, uri, size_bytes: content.length, sha256: '' });
      },
      download: (uri) => Promise.resolve(this.artifacts.get(uri) ?? Buffer.alloc(0)),
      list: () =>
        Promise.resolve(
          [...this.artifacts.keys()].map((uri) => ({ uri, name: uri.slice('memory:'.length) })),
        ),
    };
    const spool = { hold: () => ({ release: () => Promise.resolve() }) };
    return { registry: registry as TaskRegistry, store, spool };
  }

  private async open(task: Task, directory: string): Promise<Workspace> {
    const slot = await createSlotDirectory({ directory });
    return prepareWorkspace(
      task,
      { ...slot, leaseId: 'spec', fencingToken: 1n },
      { base: null, ownCommits: [] },
      {
        token: undefined,
        tokenHosts: [],
        protocols: ['file'],
        httpHosts: [],
        hosts: [],
        branches: ['**'],
        credentialsDir: '',
        retries: { tries: 1, patienceMs: 0 },
      },
      () => Promise.resolve(),
      new AbortController().signal,
    );
  }
}

const lease = { key: { specName: 'spec', taskId: '1' }, fencingToken: 1n, run: 1, attempt: 1 };

function taskOf(remote: string, more: Partial<Task> = {}): Task {
  return {
    task_id: '1',
    spec_name: 'spec',
    title: 'Do it',
    description: 'What there is to do.',
    repo_url: remote,
    ...more,
  };
}

function turnOf(turn: Turn): ScriptedTurn {
  if (typeof turn === 'string') return { text: turn };
  if ('text' in turn || 'error' in turn || 'hang' in turn) return turn;
  return { text: JSON.stringify(turn) };
}

function runShell(script: string, cwd: string): Promise<CommandReport[]> {
  return new Promise((resolve) => {
    const child = execFile('sh', ['-c', script], { cwd }, (_error, stdout, stderr) => {
      const exitCode = child.exitCode;
      const passed = exitCode === 0;
      const output = stdout + stderr;
      const end = { exitCode, durationMs: 0, passed, limitHit: null, refusedHosts: [] };
      resolve([{ command: script, ...end, output, stdout, stderr }]);
    });
  });
}
