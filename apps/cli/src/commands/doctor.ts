import { checkHost } from '../doctor/check-host.js';
import { checkLlm } from '../doctor/check-llm.js';
import { checkSetupNetwork } from '../doctor/check-setup-network.js';
import { checkNats } from '../doctor/check-nats.js';
import { checkServices, findRunners, judgeQueues, judgeRunners } from '../doctor/check-services.js';
import type { ExitCode, Session } from '../session.js';
import { renderChecks } from '../show/check-list.js';

/** Looks at everything that a task needs; fails when one of these things is missing. */
export async function doctor(
  options: { json?: boolean },
  { endpoints, terminal }: Session,
): Promise<ExitCode> {
  const [nats, services, runners, llm, host, setupNetwork] = await Promise.all([
    checkNats(endpoints.nats),
    checkServices(endpoints),
    findRunners(endpoints.taskRegistry),
    checkLlm(endpoints),
    checkHost(),
    checkSetupNetwork(endpoints.runners),
  ]);
  const checks = [
    ...nats.checks,
    ...services,
    judgeRunners(runners),
    judgeQueues(nats.queues, runners),
    llm,
    ...host,
    ...setupNetwork,
  ];
  const isWell = checks.every(({ state }) => state !== 'fail');
  terminal.print(options.json ? JSON.stringify({ ok: isWell, checks }) : renderChecks(checks, terminal));
  return isWell ? 0 : 1;
}
