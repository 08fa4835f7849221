import { RunnerError } from '@necrocode/contracts';
import { describeLlmClient, type ContractTurn } from './llm-client.contract.js';
import { createScriptedClient, type ScriptedTurn } from './scripted-client.js';

describeLlmClient('scripted', ([first, ...rest]) => {
  const client = createScriptedClient([scripted(first), ...rest.map(scripted)], 'scripted-model');
  return Promise.resolve({
    client,
    received: () => Promise.resolve(),
    calls: () => client.requests.length,
  });
});

describe('createScriptedClient', () => {
  it('[AR-3.2] repeats its last turn and remembers what it was asked', async () => {
    const client = createScriptedClient([{ text: 'one' }, { text: 'last' }]);
    const texts: string[] = [];
    for (const content of ['a', 'b', 'c']) {
      texts.push((await client.chat({ messages: [{ role: 'user', content }] })).text);
    }
    expect(texts).toEqual(['one', 'last', 'last']);
    expect(client.requests.map(({ messages }) => messages[0]?.content)).toEqual(['a', 'b', 'c']);
  });
});

function scripted(turn: ContractTurn): ScriptedTurn {
  if (turn.kind === 'hang') return { hang: true };
  if (turn.kind === 'refuse') return { error: new RunnerError('llm_refused', 'the LLM declined') };
  return turn;
}
