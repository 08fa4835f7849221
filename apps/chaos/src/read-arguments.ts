import { parseArgs } from 'node:util';
import { z } from 'zod';
import { faultKinds } from './fault-points.js';
import { naiveKinds } from './naive-stack.js';

const list = z.string().transform((text) => text.split(',').filter((item) => item !== ''));
const whole = z
  .string()
  .regex(/^[1-9]\d*$/, 'must be a whole number above 0')
  .transform(Number);

const argumentsSchema = z.object({
  runs: whole,
  seed: z.string().min(1),
  naive: z.enum(naiveKinds).optional(),
  /** Points, also with a phase. */
  points: list,
  kinds: list.pipe(z.array(z.enum(faultKinds))),
  /** Stacks side by side; absent: two for each processor. */
  stacks: whole.optional(),
  /** Folder of the report. */
  out: z.string().optional(),
  /** Whether what was found before, in the same folder, is part of the report. */
  add: z.boolean(),
  keep: z.boolean(),
  verbose: z.boolean(),
});
export type SuiteArguments = Readonly<z.output<typeof argumentsSchema>>;

export type ReadArguments =
  | { readonly kind: 'read'; readonly arguments: SuiteArguments }
  | { readonly kind: 'refused'; readonly problem: string };

/** Reads the command line. */
export function readArguments(words: readonly string[]): ReadArguments {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        runs: { type: 'string', default: '200' },
        seed: { type: 'string', default: '1' },
        naive: { type: 'string' },
        points: { type: 'string', default: '' },
        kinds: { type: 'string', default: '' },
        stacks: { type: 'string' },
        out: { type: 'string' },
        add: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
      },
    });
    const parsed = argumentsSchema.safeParse(values);
    if (parsed.success) return { kind: 'read', arguments: parsed.data };
    return {
      kind: 'refused',
      problem: parsed.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`).join('; '),
    };
  } catch (error) {
    return { kind: 'refused', problem: error instanceof Error ? error.message : 'unreadable arguments' };
  }
}
