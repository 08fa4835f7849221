import type { ChatRequest, FinishReason, LlmClient, TokenUsage } from './llm-client.js';

/** What the other side does with one call. */
export type ContractTurn =
  | {
      readonly kind: 'answer';
      readonly text: string;
      readonly finishReason: FinishReason;
      readonly usage?: TokenUsage;
    }
  | { readonly kind: 'refuse' }
  | { readonly kind: 'hang' };

export interface ClientUnderTest {
  readonly client: LlmClient;
  /** Resolves when the other side has received its nth call (from 1). */
  readonly received: (n: number) => Promise<void>;
  /** Calls received so far. */
  readonly calls: () => number;
}

const request: ChatRequest = { messages: [{ role: 'user', content: 'Say something' }] };
const usage: TokenUsage = { inputTokens: 12, cachedTokens: 4, outputTokens: 3 };

/** What every LlmClient promises. `arrange` gives a client whose other side plays the turns. */
export function describeLlmClient(
  name: string,
  arrange: (turns: readonly [ContractTurn, ...ContractTurn[]]) => Promise<ClientUnderTest>,
): void {
  describe(`LlmClient contract: ${name}`, () => {
    it('[AR-16.4] gives the text, why it ended, the model and the tokens that were counted', async () => {
      const { client } = await arrange([{ kind: 'answer', text: 'hello', finishReason: 'stop', usage }]);
      const answer = await client.chat(request);
      expect(answer).toMatchObject({
        text: 'hello',
        finishReason: 'stop',
        model: client.model,
        usage,
        retries: 0,
      });
    });

    it('[AR-16.4] estimates tokens that nobody counted', async () => {
      const { client } = await arrange([{ kind: 'answer', text: 'twelve chars', finishReason: 'stop' }]);
      const answer = await client.chat(request);
      expect(answer.usage).toEqual({ inputTokens: 4, cachedTokens: 0, outputTokens: 3 });
    });

    it('[AR-3.7] gives an answer that was cut off as what it is', async () => {
      const { client } = await arrange([{ kind: 'answer', text: '{"a', finishReason: 'length', usage }]);
      expect(await client.chat(request)).toMatchObject({ text: '{"a', finishReason: 'length' });
    });

    it('[AR-3.2] gets the answers in their order', async () => {
      const { client } = await arrange([
        { kind: 'answer', text: 'one', finishReason: 'stop' },
        { kind: 'answer', text: 'two', finishReason: 'stop' },
      ]);
      const texts = [(await client.chat(request)).text, (await client.chat(request)).text];
      expect(texts).toEqual(['one', 'two']);
    });

    it('[AR-16.6] says llm_refused when the model declines', async () => {
      const { client, calls } = await arrange([{ kind: 'refuse' }]);
      await expect(client.chat(request)).rejects.toMatchObject({ code: 'llm_refused', retryable: false });
      expect(calls()).toBe(1);
    });

    it('[AR-16.3] asks nothing when the signal is aborted already', async () => {
      const { client, calls } = await arrange([{ kind: 'answer', text: 'late', finishReason: 'stop' }]);
      const reason = new Error('cancelled before');
      await expect(client.chat(request, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
      expect(calls()).toBe(0);
    });

    it('[AR-16.3] ends a call with the reason of the signal', async () => {
      const { client, received } = await arrange([{ kind: 'hang' }]);
      const controller = new AbortController();
      const reason = new Error('cancelled meanwhile');
      const answer = client.chat(request, { signal: controller.signal });
      const ended = expect(answer).rejects.toBe(reason);
      await received(1);
      controller.abort(reason);
      await ended;
    });
  });
}
