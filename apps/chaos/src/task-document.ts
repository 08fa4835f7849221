import type { Task } from '@necrocode/contracts';
import type { PlannedRun } from './plan-runs.js';
import { commandMarks } from './proxy/nats-proxy.js';

/** The file that every task changes. */
export const answerFile = 'src/answer.txt';

/** What the model writes into it; no two calls get the same. */
export function answeredContent(key: string, call: number): string {
  return `42\nsaid to ${key} in call ${call}\n`;
}

/** Long enough to be struck while it runs. */
const struckCommandSeconds = 0.3;

/** The task of a run, as trivial as can be: what is under test is everything around it. */
export function taskDocument(specName: string, taskId: string, repoUrl: string, { fault }: PlannedRun): Task {
  const slow = (mark: string) => `echo '${mark}'; sleep ${struckCommandSeconds}`;
  const test = `grep -q '^42$' ${answerFile}`;
  return {
    spec_name: specName,
    task_id: taskId,
    title: 'Correct the answer',
    description: `${answerFile} must say 42.`,
    repo_url: repoUrl,
    base_branch: 'main',
    setup_commands: fault.point === 'setup' ? [slow(commandMarks.setup)] : [],
    test_commands: [fault.point === 'tests' ? `${slow(commandMarks.tests)}; ${test}` : test],
  };
}
