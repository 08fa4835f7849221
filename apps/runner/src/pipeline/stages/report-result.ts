import { RunnerError, type TaskResult } from '@necrocode/contracts';
import type { Lease, Spool, TaskRegistry, Told } from '../ports.js';

/**
 * Tells the registry how the run ended. Where it does not answer, the report goes to disk first, so that
 * it survives this process, and is waited for until it is told or `patience` ends.
 *
 * @returns undefined when the report is not told yet
 * @throws RunnerError registry_unavailable when it could not even be kept
 */
export async function reportResult(
  lease: Lease,
  result: TaskResult,
  { registry, spool }: { readonly registry: Pick<TaskRegistry, 'report'>; readonly spool: Spool },
  patience: AbortSignal,
): Promise<Told | undefined> {
  try {
    return { kind: 'told', ...(await registry.report(lease, result)) };
  } catch (error) {
    const { code } = RunnerError.from(error);
    if (code === 'lease_lost') return { kind: 'lease_lost' };
    if (code !== 'registry_unavailable') throw error;
    const kept = await spool.keepReport(lease, result);
    if (!kept) throw error;
    return kept.told(patience);
  }
}
