import { RunnerError, sandboxLevels, type SandboxLevel } from '@necrocode/contracts';
import { createSandbox, type Sandbox } from '@necrocode/sandbox';

/**
 * The sandbox of this host, if it is as strong as the configuration demands.
 *
 * @throws RunnerError sandbox_unavailable, saying what the host lacks
 */
export async function openSandbox(required: SandboxLevel): Promise<Sandbox> {
  const sandbox = await createSandbox({ allowLowered: required !== 'full' });
  if (sandboxRank(sandbox.level) >= sandboxRank(required)) return sandbox;
  throw new RunnerError(
    'sandbox_unavailable',
    `this host offers the sandbox level ${sandbox.level} (${sandbox.detail}), but sandbox.required is ${required}`,
  );
}

/** 3 for the strongest level, 0 for none. */
export function sandboxRank(level: SandboxLevel): number {
  return sandboxLevels.length - 1 - sandboxLevels.indexOf(level);
}
