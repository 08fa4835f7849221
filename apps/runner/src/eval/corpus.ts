import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/**
 * One recorded case: what a model answered to a base, and what the tree must be afterwards.
 * A corpus is a folder with `cases.jsonl` (one case a line) or `cases/*.json`, and `repositories/`, which
 * holds each repository as a bundle, a bare repository or a clone.
 */
export const caseSchema = z.strictObject({
  name: z.string().min(1),
  /** `<repository>.bundle`, `<repository>.git` or `<repository>` below `repositories/`. */
  repository: z.string().min(1),
  /** Commit that the answers stand on. */
  base: z.string().regex(/^[0-9a-f]{40}([0-9a-f]{24})?$/),
  format: z.enum(['json', 'blocks']).default('json'),
  /** Texts of the model; an object stands for its JSON text. The next one is the answer to a refusal. */
  answers: z.array(z.union([z.string(), z.looseObject({})])).min(1),
  /** Hash of the tree that must come out; null when the only right thing is to refuse. */
  expected_tree: z.string().nullable(),
  /** What was done to a perfect answer, for the report; `exact` when nothing. */
  kind: z.string().default('exact'),
});
export type EvalCase = Readonly<z.infer<typeof caseSchema>>;

/** @throws Error naming the file and every field that is wrong */
export function readCorpus(folder: string): EvalCase[] {
  const lines = join(folder, 'cases.jsonl');
  const documents = existsSync(lines)
    ? readFileSync(lines, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
        .map((text, index) => ({ text, where: `${lines}:${index + 1}` }))
    : caseFiles(join(folder, 'cases'));
  if (documents.length === 0) throw new Error(`${folder}: neither cases.jsonl nor cases/*.json`);
  return documents.map(({ text, where }) => {
    const parsed = caseSchema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    throw new Error(`${where}: ${z.prettifyError(parsed.error)}`);
  });
}

function caseFiles(folder: string): { text: string; where: string }[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => ({ text: readFileSync(join(folder, name), 'utf8'), where: join(folder, name) }));
}
