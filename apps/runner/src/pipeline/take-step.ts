import { branchOf } from '@necrocode/contracts';
import type { BuiltInStep } from '../playbook/playbook.js';
import { openAnswerStore } from './answer-store.js';
import type { Attempt } from './attempt.js';
import { CommitDraft } from './commit-draft.js';
import type { Outcome } from './outcome.js';
import { prepareCommands, type PreparedCommands } from './prepare-commands.js';
import type { Slot } from './ports.js';
import { ModelChoice } from './model-choice.js';
import { runRounds } from './run-rounds.js';
import { confirmPush, notThereWhenAsked, type PushProof } from './stages/confirm-push.js';
import { decideCommit } from './stages/decide-commit.js';
import { prepareWorkspace, type Workspace } from './stages/prepare-workspace.js';
import { fetchDecided, pushBranch } from './stages/push-branch.js';

/** What the steps so far have acquired. */
export interface Progress {
  readonly slot?: Slot;
  readonly workspace?: Workspace;
  readonly draft?: CommitDraft;
  readonly commands?: PreparedCommands;
}

/**
 * Does one step of a playbook. When an earlier attempt has decided the commit, only what is needed to
 * push it is done.
 *
 * @param advance is told what the step acquired, as soon as it has it
 */
export async function takeStep(
  step: BuiltInStep,
  attempt: Attempt,
  { slot, workspace, draft, commands }: Progress,
  advance: (further: Progress) => void,
): Promise<void> {
  const decided = attempt.record.decided !== undefined;
  switch (step) {
    case 'prepare':
      advance(await prepare(attempt, need(slot, 'a slot')));
      return;
    case 'setup':
      if (decided) return;
      advance({
        commands: await prepareCommands(attempt, need(workspace, 'a workspace'), need(slot, 'a slot')),
      });
      return;
    case 'implement':
      if (!decided)
        await implement(
          attempt,
          need(workspace, 'a workspace'),
          need(draft, 'a draft'),
          need(commands, 'commands'),
        );
      return;
    case 'decide':
      if (!decided) await decide(attempt, need(workspace, 'a workspace'), need(draft, 'a draft'));
      return;
    case 'push':
      await push(attempt, need(workspace, 'a workspace'));
      return;
  }
}

async function prepare(attempt: Attempt, slot: Slot): Promise<Progress> {
  const { task, lease, checkpoint, record, stages, work, services } = attempt;
  record.branch = branchOf(task);
  const ownCommits = [...attempt.earlierCommits, ...(record.decided ? [record.decided.commit] : [])];
  const pinned = { base: record.decided?.baseCommit ?? checkpoint.base_commit, ownCommits };
  const pin = (base: string) => services.registry.saveCheckpoint(lease, { ...checkpoint, base_commit: base });
  return stages.run('prepare_workspace', async () => {
    const workspace = await prepareWorkspace(task, slot, pinned, services.settings.git, pin, work.signal);
    record.baseCommit = workspace.base;
    return {
      workspace,
      draft: new CommitDraft(services.mask.within(task), lease.run, services.settings.author, workspace),
    };
  });
}

async function implement(
  attempt: Attempt,
  workspace: Workspace,
  draft: CommitDraft,
  commands: PreparedCommands,
): Promise<void> {
  const { task, lease, checkpoint, record, stages, work, services, budget, tell, log, leases } = attempt;
  await runRounds({
    task,
    workspace,
    budget,
    promptTokens: services.settings.promptTokens,
    conversationTokens: services.settings.conversationTokens,
    answers: await openAnswerStore(services, lease, checkpoint, record),
    draft,
    commands,
    sensitiveFiles: services.settings.sensitiveFiles,
    models: new ModelChoice(services.models, (change) => {
      log.warn(change, 'another model is asked');
      record.warn(`${change.from} was left for ${change.to}: ${change.why}`);
    }),
    mask: services.mask,
    tokensInChanges: services.settings.tokensInChanges,
    record,
    stages,
    tell,
    signal: work.signal,
    permit: leases.permit,
  });
}

async function decide(attempt: Attempt, workspace: Workspace, draft: CommitDraft): Promise<void> {
  const { lease, record, stages, services } = attempt;
  const change = need(record.change, 'a change');
  record.decided = await stages.run('decide_commit', async () =>
    decideCommit(workspace, change, await draft.take(change), lease, services),
  );
  record.pushUnclear = record.decided.byEarlierAttempt;
}

async function push(attempt: Attempt, workspace: Workspace): Promise<void> {
  const { record, stages, work, services, tell } = attempt;
  const decided = need(record.decided, 'a decided commit');
  await stages.run('push', async () => {
    await fetchDecided(workspace, decided, services.store);
    await pushBranch(workspace, decided, record, services.settings.git.retries, work.signal);
  });
  record.pushed = true;
  tell('BranchPushed', { branch: decided.branch, commit: decided.commit });
}

/** Whoever cancels waits for the answer, and a later attempt asks again. */
const confirmationMs = 1_000;

/** After the end of the work: what the remote says of the push, where that ended unclear. */
export async function provePush(
  { record, stages, tell, log, services }: Attempt,
  { workspace }: Progress,
  outcome: Outcome,
): Promise<PushProof> {
  const { decided } = record;
  if (record.pushed) return 'pushed';
  if (!record.pushUnclear || !decided) return 'not_pushed';
  if (!workspace) return 'unknown';
  const patienceMs = outcome.kind === 'failed' ? services.settings.git.retries.patienceMs : confirmationMs;
  const proof = await stages.conclude('confirm_push', () => confirmPush(workspace, decided, patienceMs));
  log.info({ proof }, 'the push ended unclear; the remote was asked');
  record.pushed = proof === 'pushed';
  if (record.pushed) tell('BranchPushed', { branch: decided.branch, commit: decided.commit });
  else if (proof === 'not_pushed') record.warn(notThereWhenAsked);
  return proof;
}

/** The playbook's schema fixes the order of steps, so a missing one is a fault of the program. */
function need<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`a step came before the one that provides ${what}`);
  return value;
}
