import { createHash } from 'node:crypto';
import { z } from 'zod';
import { cutText } from './cut-text.js';
import { defaultBranch, specNameSchema, taskIdSchema, type TaskKey } from './ids.js';
import { readJson } from './read-json.js';
import { queuePattern } from './subjects.js';

export const currentSchemaVersion = 1;

const text = (max: number) => z.string().min(1).max(max);
const notNul = (value: string) => !value.includes('\0');
const prose = (max: number) => text(max).refine(notNul, 'must not contain NUL');
const command = prose(8_192);
const notPlain = 'must not contain control characters or marks that turn the reading direction';

const repoUrl = text(2_048)
  .refine((url) => !/[\u0000-\u0020\u007f]/.test(url), 'must not contain white space or control characters')
  .refine((url) => !url.startsWith('-'), 'must not start with "-"')
  .refine((url) => !hasCredentials(url), 'must not contain credentials; give the runner a GIT_TOKEN instead');

/** A branch name that `git check-ref-format --branch` accepts. */
export const branchNameSchema = text(200).refine(
  isBranchName,
  'is not a valid branch name (see git check-ref-format)',
);

const relativePath = text(1_024).refine(
  (path) => !path.startsWith('/') && !path.split('/').includes('..') && notNul(path),
  'must be a path relative to the repository, without ".."',
);

/** What a run may spend on its rounds, over all of its attempts. Looked at before the model is asked. */
export const budgetSchema = z.strictObject({
  max_rounds: z.int().min(1).max(20).optional(),
  max_tokens: z.int().min(1).optional(),
  max_cost_usd: z.number().positive().optional(),
  max_llm_calls: z.int().min(1).optional(),
  /** Of the rounds: asking the model, applying, testing. */
  max_seconds: z.number().positive().optional(),
});

/** The work order as it stands on the wire (DESIGN section 2). Unknown fields are refused by name. */
export const taskSchema = z.strictObject({
  schema_version: z.int().min(1).optional(),
  task_id: taskIdSchema,
  spec_name: specNameSchema,
  title: text(200)
    .refine((t) => !/[\r\n]/.test(t), 'must be a single line')
    .refine(isPlain, notPlain),
  description: prose(100_000),
  acceptance_criteria: z.array(prose(10_000)).max(100).optional(),
  dependencies: z.array(taskIdSchema).max(1_000).optional(),
  required_skill: z.string().regex(queuePattern, `must match ${queuePattern.source}`).optional(),
  repo_url: repoUrl,
  base_branch: branchNameSchema.optional(),
  branch_name: branchNameSchema.optional(),
  related_files: z.array(relativePath).max(500).optional(),
  setup_commands: z.array(command).max(50).optional(),
  test_commands: z.array(command).max(50).optional(),
  fail_fast: z.boolean().optional(),
  timeout_seconds: z.int().min(1).max(86_400).optional(),
  playbook: text(200).optional(),
  budget: budgetSchema.optional(),
  metadata: z.record(z.string(), z.unknown()).optional(),
});

export type Task = Readonly<z.infer<typeof taskSchema>>;

export function keyOf(task: Pick<Task, 'spec_name' | 'task_id'>): TaskKey {
  return { specName: task.spec_name, taskId: task.task_id };
}

export function branchOf(task: Task): string {
  return task.branch_name ?? defaultBranch(keyOf(task));
}

/** One thing that is wrong with a document: where (dotted path) and what. */
export interface Problem {
  readonly field: string;
  readonly problem: string;
}

export type ParsedTask =
  | { readonly kind: 'task'; readonly task: Task }
  /** Written for a newer runner: to be handed back, never failed. */
  | { readonly kind: 'newer'; readonly schemaVersion: number; readonly key: TaskKey | undefined }
  | { readonly kind: 'invalid'; readonly problems: readonly Problem[]; readonly key: TaskKey | undefined };

/** Parses a message body, the only place where bytes become a task. Names every problem at once. */
export function parseTask(body: Uint8Array | string): ParsedTask {
  const read = readJson(body);
  if (read.kind === 'unreadable') {
    const { field, problem } = read;
    return { kind: 'invalid', problems: [{ field, problem }], key: readableKey(read.document) };
  }
  const { document } = read;
  const key = readableKey(document);
  const version = z.looseObject({ schema_version: z.int() }).safeParse(document);
  if (version.success && version.data.schema_version > currentSchemaVersion) {
    return { kind: 'newer', schemaVersion: version.data.schema_version, key };
  }
  const parsed = taskSchema.safeParse(document);
  return parsed.success
    ? { kind: 'task', task: parsed.data }
    : { kind: 'invalid', problems: problemsOf(parsed.error), key };
}

/** Every problem of a failed parse, one per field; unknown fields are named one by one. */
export function problemsOf(error: z.ZodError): Problem[] {
  return error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((name) => ({
        field: [...path, name].join('.'),
        problem: 'unknown field',
      }));
    }
    const missing =
      issue.code === 'invalid_type' && issue.input === undefined && /received undefined/.test(issue.message);
    return [
      { field: path.join('.') || '(body)', problem: missing ? 'required, but missing' : issue.message },
    ];
  });
}

/** Every problem by name, as far as a message can hold them; of the others their number. */
export function formatProblems(problems: readonly Problem[]): string {
  const named: string[] = [];
  let length = 0;
  for (const { field, problem } of problems) {
    const text = `${cutText(field, 200)}: ${cutText(problem, 500)}`;
    length += text.length;
    if (length > mostProblemsLength) break;
    named.push(text);
  }
  const unnamed = problems.length - named.length;
  return [...named, ...(unnamed > 0 ? [`and ${unnamed} more`] : [])].join('; ');
}

const mostProblemsLength = 16_000;

/** SHA-256 over the task's canonical JSON (keys sorted): equal for equal content, whatever its spelling. */
export function digestOf(task: Task): string {
  return createHash('sha256')
    .update(JSON.stringify(sortKeys(task)))
    .digest('hex');
}

/** The `Nats-Msg-Id` of a task: the same content published twice is one message. */
export function msgIdOf(task: Task): string {
  return `${task.spec_name}/${task.task_id}#${digestOf(task)}`;
}

function readableKey(document: unknown): TaskKey | undefined {
  const parsed = z.looseObject({ spec_name: specNameSchema, task_id: taskIdSchema }).safeParse(document);
  return parsed.success ? { specName: parsed.data.spec_name, taskId: parsed.data.task_id } : undefined;
}

/** User and password, or a token in their place. A bare user name is what ssh URLs have. */
function hasCredentials(url: string): boolean {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1];
  if (authority === undefined || !authority.includes('@')) return false;
  return !/^ssh:/i.test(url) || authority.slice(0, authority.lastIndexOf('@')).includes(':');
}

/** Shown in one line, it moves no cursor and reads in the order in which it stands. */
function isPlain(value: string): boolean {
  return !/[\p{Cc}\u061c\u2028-\u202e\u2066-\u2069]/u.test(value);
}

/** The rules of git-check-ref-format, for the part after refs/heads/. */
function isBranchName(name: string): boolean {
  if (/[\u0000-\u0020\u007f~^:?*[\\]/.test(name) || !isPlain(name)) return false;
  // Neither half a character, nor one that is not seen.
  if (!name.isWellFormed() || /\p{Cf}/u.test(name)) return false;
  if (name.startsWith('-') || name.startsWith('refs/') || name === 'HEAD' || name === '@') return false;
  if (name.includes('..') || name.includes('@{') || name.includes('//')) return false;
  if (name.startsWith('/') || name.endsWith('/') || name.endsWith('.')) return false;
  return name.split('/').every((part) => !part.startsWith('.') && !part.endsWith('.lock'));
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([k, v]) => [k, sortKeys(v)]));
}
