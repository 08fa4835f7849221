import { RunnerError } from '@necrocode/contracts';
import { outcomeOf, withProof } from './outcome.js';

describe('what an error means for the attempt', () => {
  it.each([
    ['given_back', new RunnerError('repo_unreachable', 'away', { reason: 'network' })],
    ['given_back', new RunnerError('push_failed', 'away', { reason: 'network' })],
    ['given_back', new RunnerError('registry_unavailable', 'away')],
    ['failed', new RunnerError('repo_unreachable', 'no such host', { reason: 'unknown_host' })],
    ['failed', new RunnerError('repo_unreachable', 'no such repository', { retryable: false })],
    ['failed', new RunnerError('push_rejected', 'no pushes on Fridays')],
    ['failed', new RunnerError('llm_unavailable', 'away')],
    ['cancelled', new RunnerError('cancelled', 'cancelled')],
  ])('[AR-8.5] is that it is %s (%#)', (kind, error) => {
    expect(outcomeOf(error, 'push').kind).toBe(kind);
  });

  it.each([
    ['timeout', 'pushed', 'done'],
    ['timeout', 'not_pushed', 'failed'],
    ['timeout', 'unknown', 'given_back'],
    ['repo_auth_failed', 'unknown', 'given_back'],
    // The registry has somebody look again.
    ['cancelled', 'unknown', 'given_back'],
    ['cancelled', 'not_pushed', 'cancelled'],
    ['cancelled', 'pushed', 'done'],
    ['lease_lost', 'unknown', 'given_back'],
  ] as const)('[AR-5.5] after %s with a commit that is %s is that it is %s', (code, proof, kind) => {
    const outcome = outcomeOf(new RunnerError(code, 'x'), 'push');
    expect(withProof(outcome, proof).kind).toBe(kind);
  });
});
