import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CommandRefused } from './command-refused.js';
import type { ArtifactsOptions } from './commands/artifacts.js';
import type { CancelOptions } from './commands/cancel.js';
import type { ListOptions } from './commands/list.js';
import type { LogsOptions } from './commands/logs.js';
import type { SubmitOptions } from './commands/submit.js';
import type { WatchOptions } from './commands/watch.js';
import type { ExitCode, Session } from './session.js';
import type { Terminal } from './show/terminal.js';

/** What the process gives to a command line; nothing else of it is looked at. */
export interface Surroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where relative paths and `.necrocode/stack.json` are looked for. */
  readonly directory: string;
  readonly terminal: Terminal;
  readonly input: AsyncIterable<string | Uint8Array>;
}

interface Answer {
  readonly json?: boolean;
}

/**
 * Runs one command line. Whatever goes wrong ends in one clear line on standard error.
 *
 * @returns 0 only on success; 1 when it could not be done; 2 when it was not asked for properly
 */
export async function runNecro(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const program = createProgram(surroundings, (code) => (exitCode = code));
  try {
    await program.parseAsync(words, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    surroundings.terminal.note(
      `necro: ${error instanceof Error ? error.message : 'failed for an unknown reason'}`,
    );
    return error instanceof CommandRefused ? error.exitCode : 1;
  }
}

/** Commands are loaded when they are called: help and bad input are answered at once. */
function createProgram(surroundings: Surroundings, end: (code: ExitCode) => void): Command {
  const { terminal } = surroundings;
  const program = new Command('necro')
    .description('Submits tasks to NecroCode runners, and shows what becomes of them.')
    .version('0.1.0')
    .option('--data-dir <dir>', 'folder of the stack whose stack.json names the endpoints')
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text.trimEnd()),
      writeErr: (text) => terminal.note(text.trimEnd()),
    })
    .showHelpAfterError('(necro --help tells what there is)')
    .addHelpText('after', helpEnd);

  const run = async (work: (session: Session) => Promise<ExitCode>) => {
    const { findEndpoints } = await import('./endpoints.js');
    const { dataDir } = program.opts<{ dataDir?: string }>();
    const endpoints = findEndpoints({ ...surroundings, dataDir });
    end(await work({ ...surroundings, endpoints }));
  };

  program
    .command('submit')
    .description('validate the task in a JSON file (- for standard input) and publish it')
    .argument('<file>')
    .option('--queue <queue>', "queue to publish to (default: the task's required_skill, else default)")
    .addOption(
      new Option('--priority <priority>', 'how urgent it is')
        .choices(['high', 'normal', 'low'])
        .default('normal'),
    )
    .option('--watch', 'show its progress; exit 0 only when it ends done')
    .option('--dry-run', 'publish nothing; show the prompt that a model would get')
    .option('--json', 'answer in JSON')
    .action((file: string, options: SubmitOptions) =>
      run(async (session) => (await import('./commands/submit.js')).submit(file, options, session)),
    );

  program
    .command('list')
    .description('the tasks that the registry knows')
    .option('--state <state...>', 'ready, running, blocked, done, failed or cancelled', readStates, [])
    .option('--spec <spec>', 'of one spec only')
    .option('--skill <skill>', 'that require a skill')
    .option('--json', 'answer in JSON')
    .action((options: ListOptions) =>
      run(async (session) => (await import('./commands/list.js')).list(options, session)),
    );

  program
    .command('get')
    .description('everything about a task')
    .argument('<key>')
    .option('--json', 'answer in JSON: {task, status, attempts, events, artifacts, result}')
    .action((key: string, options: Answer) =>
      run(async (session) => (await import('./commands/get.js')).get(key, options, session)),
    );

  program
    .command('watch')
    .description('show the progress of a task until it ends; exit 0 only when it ends done')
    .argument('<key>')
    .option('--output', 'show what its commands print as well')
    .action((key: string, options: WatchOptions) =>
      run(async (session) => (await import('./commands/watch.js')).watch(key, options, session)),
    );

  program
    .command('logs')
    .description('the log of a task, JSON lines')
    .argument('<key>')
    .option('-f, --follow', 'of a run under way: live')
    .action((key: string, options: LogsOptions) =>
      run(async (session) => (await import('./commands/logs.js')).logs(key, options, session)),
    );

  program
    .command('artifacts')
    .description('what a task has left behind: diff, log, test results, transcript')
    .argument('<key>')
    .option('--download <dir>', 'fetch each into DIR/<type>-<name>')
    .option('--run <number>', 'of this run (default: the latest that has any)', readNumber)
    .option('--json', 'answer in JSON')
    .action((key: string, options: ArtifactsOptions) =>
      run(async (session) => (await import('./commands/artifacts.js')).artifacts(key, options, session)),
    );

  program
    .command('cancel')
    .description('cancel a task')
    .argument('<key>')
    .option('--reason <text>', 'is kept with the task')
    .option('--json', 'answer in JSON')
    .action((key: string, options: CancelOptions) =>
      run(async (session) => (await import('./commands/cancel.js')).cancel(key, options, session)),
    );

  program
    .command('retry')
    .description('start the next run of a failed or cancelled task')
    .argument('<key>')
    .option('--json', 'answer in JSON')
    .action((key: string, options: Answer) =>
      run(async (session) => (await import('./commands/retry.js')).retry(key, options, session)),
    );

  const dead = program.command('dead').description('messages that nobody could work on');
  dead
    .command('list')
    .description('show them, with the reasons')
    .option('--json', 'answer in JSON')
    .action((options: Answer) =>
      run(async (session) => (await import('./commands/dead-list.js')).deadList(options, session)),
    );
  dead
    .command('requeue')
    .description('send one back to its queue')
    .argument('<seq>')
    .option('--json', 'answer in JSON')
    .action((sequence: string, options: Answer) =>
      run(async (session) =>
        (await import('./commands/dead-requeue.js')).deadRequeue(sequence, options, session),
      ),
    );

  program
    .command('doctor')
    .description('check NATS, services, LLM, git, sandbox, runners and queues')
    .option('--json', 'answer in JSON')
    .action((options: Answer) =>
      run(async (session) => (await import('./commands/doctor.js')).doctor(options, session)),
    );

  return program;
}

const helpEnd = `
KEY is spec/id, or the id alone where only one spec has it.
Endpoints: NATS_URL, TASK_REGISTRY_URL, REPO_POOL_URL, ARTIFACT_STORE_URL and OPENAI_BASE_URL, else
stack.json in --data-dir, NECROCODE_DATA_DIR or .necrocode. Users and certificates: docs/nats.md. Exit code: 0 success, 1 failure, 2 bad input.`;

const states = ['ready', 'running', 'blocked', 'done', 'failed', 'cancelled'];

/** States may be repeated or separated by commas. */
function readStates(text: string, before: readonly string[]): string[] {
  const named = text.split(',').map((state) => state.trim());
  const unknown = named.find((state) => !states.includes(state));
  if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none of ${states.join(', ')}.`);
  return [...before, ...named];
}

function readNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a number from 1 on.');
}
