import { answerSchema } from '@necrocode/contracts';
import type { ChatMessage, ChatRequest } from '@necrocode/llm';
import { z } from 'zod';
import type { AnswerFormat } from './answer-format.js';
import { systemPromptFor } from './system-prompt.js';

const responseSchema = { name: 'code_changes', schema: z.toJSONSchema(answerSchema, { io: 'input' }) };

/** A request as it is sent: the conversation behind the system part, and the schema, of the form that is asked for. */
export function frameRequest(format: AnswerFormat, conversation: readonly ChatMessage[]): ChatRequest {
  const messages: ChatMessage[] = [{ role: 'system', content: systemPromptFor(format) }, ...conversation];
  return format === 'json' ? { messages, responseSchema } : { messages };
}
