import { RunnerError } from '@necrocode/contracts';
import { createScriptedClient } from '@necrocode/llm';
import { ModelChoice } from './model-choice.js';

const request = () => ({ messages: [{ role: 'user' as const, content: 'hello' }] });
const signal = new AbortController().signal;
const failing = (code: 'llm_unavailable' | 'llm_auth_failed') =>
  createScriptedClient([{ error: new RunnerError(code, 'away') }], 'first');
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
    expect(await choice.chat(request, signal)).toMatchObject({ text: 'hello', format: 'blocks' });
    expect(choice.current.format).toBe('blocks');
    expect(changes).toEqual(['first > second: llm_unavailable']);
  });

  it('[AR-8.5] asks nobody else when the key is not accepted', async () => {
    const { choice, changes } = choose(failing('llm_auth_failed'));
    await expect(choice.chat(request, signal)).rejects.toMatchObject({ code: 'llm_auth_failed' });
    expect(changes).toEqual([]);
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
