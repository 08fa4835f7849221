/**
 * An OpenAI-compatible endpoint that answers from a script, faults included, and tells what it was asked.
 *
 *   const llm = await startLlmMock({ script: { default: [{ answer: { code_changes: [] } }] } });
 *   const client = createOpenAiClient({ baseUrl: `${llm.url}/v1`, model: 'scripted' });
 */
export { startLlmMock, type LlmMock, type LlmMockOptions } from './start-llm-mock.js';
export { parseScript, ScriptError, type Entry, type Script } from './script.js';
export type { RecordedCall } from './call-log.js';
