/**
 * The LLM behind one interface: an OpenAI-compatible endpoint, or a script for tests.
 *
 *   const llm = createOpenAiClient({ apiKey, model: 'gpt-5.1' });
 *   const { text, usage } = await llm.chat({ messages: [{ role: 'user', content: 'Hello' }] }, { signal });
 */
export * from './llm-client.js';
export type { CallPermit } from './call-permit.js';
export { estimateTokens } from './estimate-tokens.js';
export { createOpenAiClient, type OpenAiSettings } from './openai-client.js';
export { createScriptedClient, type ScriptedClient, type ScriptedTurn } from './scripted-client.js';
export { costOf, type ModelPrice, type PriceTable } from './prices.js';
export type { UnfitModel } from './translate-failure.js';
