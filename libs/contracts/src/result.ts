import { z } from 'zod';
import { errorCodeList } from './errors.js';
import { specNameSchema, taskIdSchema } from './ids.js';

const count = z.int().min(0);
const milliseconds = z.number().min(0);
const objectId = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/);
const instant = z.iso.datetime();

export const sandboxLevels = ['full', 'pid', 'container', 'none'] as const;
export type SandboxLevel = (typeof sandboxLevels)[number];

export const artifactTypes = [
  'diff',
  'log',
  'test_result',
  'transcript',
  'commit_bundle',
  'llm_answer',
] as const;
export type ArtifactType = (typeof artifactTypes)[number];

export const artifactRefSchema = z.strictObject({
  type: z.enum(artifactTypes),
  uri: z.string(),
  size_bytes: count,
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});
export type ArtifactRef = Readonly<z.infer<typeof artifactRefSchema>>;

/**
 * `limit_hit` names the limit that ended or bounded the command: `timeout`, `output`, `cpu`, `memory`,
 * `processes`, `disk`, `file_size`, `open_files`, or the code of what ended the task meanwhile; null when
 * none did.
 */
export const testRunSchema = z.strictObject({
  command: z.string(),
  exit_code: z.int().nullable(),
  duration_ms: milliseconds,
  passed: z.boolean(),
  limit_hit: z.string().nullable(),
});
export type TestRun = Readonly<z.infer<typeof testRunSchema>>;

/** Tokens and money over all attempts of the run; `cost_usd` is null for a model without a known price. */
export const usageSchema = z.strictObject({
  model: z.string().nullable(),
  input_tokens: count,
  cached_tokens: count,
  output_tokens: count,
  cost_usd: z.number().min(0).nullable(),
  llm_calls: count,
});
export type Usage = Readonly<z.infer<typeof usageSchema>>;

export const taskErrorSchema = z.strictObject({
  code: z.enum(errorCodeList),
  message: z.string(),
  stage: z.string().nullable(),
  retryable: z.boolean(),
});
export type TaskError = Readonly<z.infer<typeof taskErrorSchema>>;

export const terminalStatuses = ['done', 'failed', 'cancelled'] as const;
export type TerminalStatus = (typeof terminalStatuses)[number];

/** How a run ended (DESIGN section 2). Null where a run ended before the fact existed. */
export const taskResultSchema = z.strictObject({
  schema_version: z.literal(1),
  task_id: taskIdSchema,
  spec_name: specNameSchema,
  run: z.int().min(1),
  status: z.enum(terminalStatuses),
  runner_id: z.string().nullable(),
  attempt: count,
  attempts: count,
  rounds: count,
  branch: z.string().nullable(),
  commit: objectId.nullable(),
  tree: objectId.nullable(),
  base_commit: objectId.nullable(),
  pushed: z.boolean(),
  files_changed: z.array(z.string()),
  tests: z.array(testRunSchema),
  artifacts: z.array(artifactRefSchema),
  usage: usageSchema,
  timings: z.record(z.string(), milliseconds),
  queue_wait_ms: milliseconds.nullable(),
  started_at: instant.nullable(),
  finished_at: instant,
  sandbox: z.enum(sandboxLevels).nullable(),
  error: taskErrorSchema.nullable(),
  warnings: z.array(z.string()).optional(),
  /**
   * How many entries these lists have in the registry, where the message had no room for all. Texts that
   * were cut say so themselves.
   */
  truncated: z
    .strictObject({
      files_changed: count.optional(),
      tests: count.optional(),
      artifacts: count.optional(),
      warnings: count.optional(),
    })
    .optional(),
  trace_id: z.string().nullable(),
});
export type TaskResult = Readonly<z.infer<typeof taskResultSchema>>;

export const noUsage: Usage = {
  model: null,
  input_tokens: 0,
  cached_tokens: 0,
  output_tokens: 0,
  cost_usd: null,
  llm_calls: 0,
};
