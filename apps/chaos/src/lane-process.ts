import { createInterface } from 'node:readline';
import { runLane, type LaneJob } from './lane.js';
import { forgetUserServers } from './process-environment.js';

/**
 * A lane in a process of its own: the job is the first line of standard input, which stays open as long as
 * somebody waits; the outcomes are one line on standard output; what happens goes to standard error.
 */
forgetUserServers();
const controller = new AbortController();
const end = () => controller.abort(new Error('the lane was told to end'));
process.on('SIGINT', end);
process.on('SIGTERM', end);
const lines = createInterface({ input: process.stdin });
lines.on('close', end);
lines.once('line', (line) => void work(JSON.parse(line) as LaneJob));

async function work(job: LaneJob): Promise<void> {
  try {
    const outcomes = await runLane(job, (line) => process.stderr.write(`${line}\n`), controller.signal);
    process.stdout.write(`${JSON.stringify(outcomes)}\n`, () => process.exit(0));
  } catch (error) {
    console.error(error);
    process.exit(1);
  }
}
