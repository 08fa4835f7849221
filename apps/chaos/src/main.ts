import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { workspaceRoot } from '@necrocode/stack';
import { describeOutcome } from './execute-runs.js';
import type { FaultKind } from './fault-points.js';
import { canMountSmallDisk } from './lane-command.js';
import { planRuns } from './plan-runs.js';
import { forgetUserServers } from './process-environment.js';
import { readArguments, type SuiteArguments } from './read-arguments.js';
import { renderReport } from './render-report.js';
import { runSuite } from './run-suite.js';
import { Tallying, sumTallies, tallySchema, type Tally } from './tally.js';

/** `npm run chaos`: plans the runs, has them done, writes the report. Ends 1 when the real runner has broken a promise. */
const systems = ['the runner', 'naive runner, ack-first', 'naive runner, ack-late'];
const say = (line: string) => void process.stdout.write(`${line}\n`);
const exitCodes = { ok: 0, violated: 1, badArguments: 2, interrupted: 130 } as const;

forgetUserServers();
const options = readArguments(process.argv.slice(2));
if (options.kind === 'refused') {
  process.stderr.write(`chaos: ${options.problem}\n`);
  process.exit(exitCodes.badArguments);
}
process.exitCode = await chaos(options.arguments, process.argv.slice(2));

async function chaos(asked: SuiteArguments, words: readonly string[]): Promise<number> {
  const { naive, verbose } = asked;
  const system = naive ? `naive runner, ${naive}` : 'the runner';
  const controller = new AbortController();
  const interrupt = () => controller.abort(new Error('interrupted'));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const workDir = mkdtempSync(join(tmpdir(), 'necrocode-chaos-'));
  const tallying = new Tallying(system, ['npm run chaos --', ...words].join(' '));
  const impossible = await impossibleHere(workDir);
  const plan = planRuns({ ...asked, naive: naive !== undefined, impossible });
  let over = 0;
  try {
    await runSuite({
      plan,
      naive,
      stacks: asked.stacks ?? availableParallelism() * 2,
      workDir,
      keep: asked.keep,
      signal: controller.signal,
      tell: (line) => verbose && process.stderr.write(`${line}\n`),
      onOutcome: (outcome) => {
        tallying.add(outcome);
        over += 1;
        for (const { column, what } of outcome.violations)
          say(`✗ ${column}: ${describeOutcome(outcome)}: ${what}`);
        if (over % 100 === 0) say(`${over} of ${plan.length} runs`);
      },
    });
  } catch (error) {
    process.stderr.write(`chaos: ${error instanceof Error ? error.message : String(error)}\n`);
    const interrupted = controller.signal.aborted;
    // The stacks that still run have nobody to tell any more.
    interrupt();
    if (!interrupted) return exitCodes.violated;
  } finally {
    if (readdirSync(workDir).length === 0) rmSync(workDir, { recursive: true });
    else say(`what was found is kept in ${workDir}`);
  }
  // Of a suite that was interrupted, the runs that were over: each of them counts by itself.
  const { tally } = tallying;
  const out = resolve(asked.out ?? join(workspaceRoot, '.necrocode/chaos'));
  say(`\n${writeReport(tally, out, asked.add)}\nwritten to ${out}`);
  if (controller.signal.aborted) return exitCodes.interrupted;
  return naive === undefined && tally.violations.length > 0 ? exitCodes.violated : exitCodes.ok;
}

async function impossibleHere(workDir: string): Promise<FaultKind[]> {
  if (await canMountSmallDisk(workDir)) return [];
  say('the disk will not be full: that takes bubblewrap 0.7 or newer');
  return ['DISK_FULL'];
}

/** Replaces what was known of the system, or adds to it, and renders all that is known beside it. */
function writeReport(tally: Tally, folder: string, add: boolean): string {
  mkdirSync(folder, { recursive: true });
  const fileOf = (system: string) => join(folder, `${system.replace(/[^a-z-]+/g, '-')}.json`);
  const read = (file: string) => tallySchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  const own = fileOf(tally.system);
  const whole = add && existsSync(own) ? sumTallies(read(own), tally) : tally;
  writeFileSync(own, `${JSON.stringify(whole, null, 2)}\n`);
  const known = systems.map(fileOf).filter((file) => existsSync(file));
  const report = renderReport(known.map(read));
  writeFileSync(join(folder, 'report.md'), report);
  return report;
}
