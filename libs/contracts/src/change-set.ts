import { z } from 'zod';

const path = z.string().min(1);
const edit = z.strictObject({
  search: z.string().min(1).describe('Text of the file, copied exactly, that occurs once.'),
  replace: z.string().describe('What stands there afterwards.'),
});
const executable = z.boolean().optional().describe('Sets or clears the executable bit.');
const encoding = z.enum(['utf-8', 'base64']).optional().describe('base64 for binary content.');

const create = z.strictObject({
  file_path: path,
  operation: z.literal('create'),
  content: z.string(),
  executable,
  encoding,
});
const modify = z.strictObject({
  file_path: path,
  operation: z.literal('modify'),
  content: z.string().optional().describe('The whole new text; instead of edits.'),
  edits: z.array(edit).min(1).optional().describe('Applied in order; instead of content.'),
  executable,
  encoding,
});
const rename = z.strictObject({
  file_path: path,
  operation: z.literal('rename'),
  new_path: path,
  content: z.string().optional().describe('The whole new text, when it changes as well.'),
  edits: z.array(edit).min(1).optional(),
  executable,
  encoding,
});
const remove = z.strictObject({ file_path: path, operation: z.literal('delete') });

export const changeSchema = z.discriminatedUnion('operation', [create, modify, rename, remove]);

/** What the LLM answers (DESIGN section 2, "The LLM"). */
export const answerSchema = z.strictObject({
  code_changes: z.array(changeSchema).default([]),
  needs_files: z.array(path).max(50).optional().describe('Files to see before changing anything.'),
  explanation: z.string().optional(),
});

export type Edit = Readonly<z.infer<typeof edit>>;
export type Change = Readonly<z.infer<typeof changeSchema>>;
export type Answer = Readonly<z.infer<typeof answerSchema>>;
