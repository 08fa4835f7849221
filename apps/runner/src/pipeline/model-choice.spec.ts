import { RunnerError, type ErrorCode } from '@necrocode/contracts';
import { createScriptedClient } from '@necrocode/llm';
import { ModelChoice } from './model-choice.js';

const request = () => ({ messages: [{ role: 'user' as const, content: 'hello' }] });
const signal = new AbortController().signal;
const failing = (code: ErrorCode, reason?: string) =>
  createScriptedClient([{ error: new RunnerError(code, 'away', { reason }) }], 'first');
const answering = () => createScriptedClient([{ text: 'hello' }], 'second');

function choose(first: ReturnType<typeof failing>) {
  const changes: string[] = [];
  const choice = new ModelChoice(
    [
      { client: first, format: 'json' },
      { client: answering(), format: 'blocks' },
    ],
    ({ from, to, why }) => changes.push(`${from} > ${to}: ${why}`),
  );
  return { choice, changes };
}

describe('ModelChoice', () => {
  it('[AR-16.6] asks the next model when the first is away, and stays with it', async () => {
    const { choice, changes } = choose(failing('llm_unavailable'));
    expect(await choice.chat(request, { signal })).toMatchObject({ text: 'hello', format: 'blocks' });
    expect(choice.current.format).toBe('blocks');
    expect(changes).toEqual(['first > second: llm_unavailable']);
  });

  it.each([
    ['does not take the key', failing('llm_auth_failed'), 'llm_auth_failed'],
    ['does not have the model', failing('llm_bad_request', 'model_not_found'), 'model_not_found'],
    [
      'has no room for the request',
      failing('llm_bad_request', 'context_length_exceeded'),
      'context_length_exceeded',
    ],
  ])('[AR-16.6] asks the next model when the endpoint of the first %s', async (_fault, first, why) => {
    const { choice, changes } = choose(first);
    expect(await choice.chat(request, { signal })).toMatchObject({ text: 'hello', format: 'blocks' });
    expect(changes).toEqual([`first > second: ${why}`]);
  });

  it.each([
    ['the request itself is wrong', failing('llm_bad_request')],
    ['the model declines', failing('llm_refused')],
  ])('[AR-8.5] asks nobody else when %s', async (_fault, first) => {
    const { choice, changes } = choose(first);
    await expect(choice.chat(request, { signal })).rejects.toMatchObject({ message: 'away' });
    expect(changes).toEqual([]);
  });

  it('[AR-8.5] keeps the code of the failure where there is no other model', async () => {
    const client = failing('llm_bad_request', 'model_not_found');
    const alone = new ModelChoice([{ client, format: 'json' }], () => undefined);
    await expect(alone.chat(request, { signal })).rejects.toMatchObject({ code: 'llm_bad_request' });
    expect(client.requests).toHaveLength(1);
  });

  it('[AR-3.7] leaves a model that fails twice in a row to answer in form', () => {
    const { choice } = choose(answering());
    choice.noteForm(false);
    choice.noteForm(true);
    choice.noteForm(false);
    expect(choice.current.format).toBe('json');
    choice.noteForm(false);
    expect(choice.current.format).toBe('blocks');
  });
});
