import { createHash } from 'node:crypto';
import { defaultBranch, parseKey } from '@necrocode/contracts';
import type { TaskLedger } from './ledger.js';
import type { GitRepositories, RemoteBranch } from './proxy/git-repositories.js';
import { answerFile } from './task-document.js';
import type { Violation } from './violations.js';
import type { LeakedSlot, PublishedResult } from './world.js';

/** What is known of a task when everything is over. */
export interface TaskEvidence {
  readonly task: TaskLedger;
  /** Terminal state; undefined when it has come to none. */
  readonly state: string | undefined;
  readonly results: readonly PublishedResult[];
  readonly leaked: readonly LeakedSlot[];
}

/** Looks at one task from outside: remote, results, slots and the model's counts. */
export async function checkTask(evidence: TaskEvidence, repositories: GitRepositories): Promise<Violation[]> {
  const { task, state, results, leaked } = evidence;
  const branches = await repositories.branches(task.key);
  const found: Violation[] = [];
  if (state === undefined) found.push({ column: 'lost', what: 'no terminal state' });
  found.push(...checkBranches(task.key, branches, repositories));
  if (results.length > 1) {
    found.push({
      column: 'duplicate results',
      what: results.map(({ status, commit }) => `${status} ${commit ?? '-'}`).join(', '),
    });
  }
  for (const { key, what } of leaked) if (key === task.key) found.push({ column: 'leaked slots', what });
  for (const what of task.repeatedCalls) found.push({ column: 'repeated LLM calls', what });
  found.push(...(await checkTruth(evidence, branches, repositories)));
  return found;
}

function checkBranches(
  key: string,
  branches: readonly RemoteBranch[],
  repositories: GitRepositories,
): Violation[] {
  const found: Violation[] = [];
  if (branches.length > 1) {
    found.push({ column: 'duplicate branches', what: branches.map(({ name }) => name).join(', ') });
  }
  for (const { name, ownCommits } of branches) {
    if (ownCommits !== 1) found.push({ column: 'second commits', what: `${name} has ${ownCommits} commits` });
  }
  // Also what has been overwritten since.
  const moves = Map.groupBy(repositories.updates(key), ({ ref }) => ref);
  for (const [ref, updates] of moves) {
    const commits = new Set(updates.map(({ to }) => to));
    if (commits.size > 1)
      found.push({ column: 'second commits', what: `${ref} was moved to ${[...commits].join(', ')}` });
  }
  return found;
}

/** A result has to say what the remote says, and the commit has to be base plus one answer. */
async function checkTruth(
  { task, state, results }: TaskEvidence,
  branches: readonly RemoteBranch[],
  repositories: GitRepositories,
): Promise<Violation[]> {
  const untrue = (what: string): Violation[] => [{ column: 'untrue results', what }];
  const key = parseKey(task.key);
  const branch = branches.find(({ name }) => key && name === defaultBranch(key));
  const [result] = results;
  if (state === undefined) return [];
  if (!result) return untrue(`${state}, but no result was published`);
  if (result.status !== state) return untrue(`the state is ${state}, the result says ${result.status}`);
  if (state !== 'done') return branch ? untrue(`${state}, but ${branch.name} was pushed`) : [];
  if (!branch) return untrue('done, but there is no branch');
  if (branch.commit !== result.commit)
    return untrue(`the result names ${result.commit ?? 'no commit'}, the branch holds ${branch.commit}`);
  return (await isBasePlusAnswer(task, branch, repositories))
    ? []
    : untrue(`${branch.commit} is not base plus an answer`);
}

async function isBasePlusAnswer(
  task: TaskLedger,
  branch: RemoteBranch,
  repositories: GitRepositories,
): Promise<boolean> {
  const base = await repositories.files(task.key, `${branch.commit}^`);
  const written = branch.files.get(answerFile);
  const others = (files: ReadonlyMap<string, string>) =>
    JSON.stringify([...files].filter(([path]) => path !== answerFile).sort());
  return (
    others(base) === others(branch.files) && task.calls.some(({ content }) => blobId(content) === written)
  );
}

function blobId(content: string): string {
  return createHash('sha1')
    .update(`blob ${Buffer.byteLength(content)}\0${content}`)
    .digest('hex');
}
