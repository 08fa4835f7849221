import { z } from 'zod';

const tokens = z.int().min(0);

/** What `runner --preview` prints: the first request of a task, and what stands behind it. */
export const taskPreviewSchema = z.object({
  /** In the order in which they are sent. Tokens are estimates: nobody has counted them. */
  prompt: z.array(z.object({ role: z.string(), content: z.string(), tokens })),
  /** Of all parts together. */
  tokens,
  /** What the prompt may hold by the settings. */
  tokens_limit: tokens,
  /** Whose contents are shown, most relevant first. */
  files: z.array(z.string()),
  /** What a reader would expect to see and does not, with the reason, as the model is told as well. */
  left_out: z.array(z.string()),
  model: z.string(),
  /** Models that are asked in this order when the one before is away. */
  fallbacks: z.array(z.string()),
  answer_format: z.string(),
  budget: z.object({ max_rounds: z.int(), max_tokens: z.int(), max_cost_usd: z.number().nullable() }),
  base_branch: z.string(),
  base_commit: z.string(),
  /** What a run of this task would have to know, one line each. */
  notes: z.array(z.string()),
});

export type TaskPreview = Readonly<z.infer<typeof taskPreviewSchema>>;
