import { RunnerError } from '@necrocode/contracts';
import { z } from 'zod';

/** The steps that the runner knows how to do, in the only order in which they make sense. */
export const builtInSteps = ['prepare', 'setup', 'implement', 'decide', 'push'] as const;
export type BuiltInStep = (typeof builtInSteps)[number];

const stepSchema = z.strictObject({ uses: z.enum(builtInSteps) });

export const playbookSchema = z
  .strictObject({
    name: z.string().min(1),
    description: z.string().optional(),
    steps: z.array(stepSchema).min(1),
  })
  .refine(({ steps }) => steps.map(({ uses }) => uses).join() === builtInSteps.join(), {
    path: ['steps'],
    message: `must be ${builtInSteps.join(', ')}, in this order`,
  });

export type Playbook = Readonly<z.infer<typeof playbookSchema>>;

/** The flow of a task when nothing else is asked for. */
export const defaultPlaybook: Playbook = {
  name: 'default',
  description: 'Write the change, prove it with the tests, push one commit.',
  steps: builtInSteps.map((uses) => ({ uses })),
};

/** Names under which the built-in playbook is known; `backend-task` is the original's name for it. */
const knownPlaybooks: ReadonlyMap<string, Playbook> = new Map([
  ['default', defaultPlaybook],
  ['backend-task', defaultPlaybook],
]);

/** @throws RunnerError unknown_playbook, naming those that exist */
export function choosePlaybook(name: string | undefined): Playbook {
  const playbook = knownPlaybooks.get(name ?? 'default');
  if (playbook) return playbook;
  throw new RunnerError(
    'unknown_playbook',
    `playbook: there is no "${name}"; known are ${[...knownPlaybooks.keys()].join(', ')}`,
  );
}
