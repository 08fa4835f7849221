import { estimateTokens, type ChatMessage } from '@necrocode/llm';
import { Dialogue, type Turn } from './dialogue.js';

const opening: readonly ChatMessage[] = [{ role: 'user', content: 'the task' }];
const contents = (ids: Record<string, string>) => new Map(Object.entries(ids));

/** An answer of 100 tokens and a tell of 100. */
function turn(name: string, shows: Record<string, string> = {}): Turn {
  const fill = (text: string) => text.padEnd(400, '.');
  return {
    answer: fill(`answer ${name}`),
    tell: { content: fill(`evidence ${name}`), brief: `brief ${name}` },
    shows: contents(shows),
  };
}

function dialogueOf(room: number, ...turns: Turn[]): Dialogue {
  const dialogue = new Dialogue(opening, contents({ 'a.ts': 'base', 'b.ts': 'base' }), room);
  for (const each of turns) dialogue.add(each);
  return dialogue;
}

/** The first words of each message. */
const outline = (dialogue: Dialogue) =>
  dialogue.request().messages.map(({ content }) => content.split(/[.,]/)[0]);
const left = '(Left out to keep the conversation short: your answer';

describe('Dialogue', () => {
  it('[AR-3.1] begins with the opening', () => {
    expect(dialogueOf(0).request()).toEqual({ messages: opening, asked: opening, history: [] });
  });

  it('[AR-3.1] repeats everything while there is room', () => {
    const dialogue = dialogueOf(400, turn('1'), turn('2'));
    expect(outline(dialogue)).toEqual(['the task', 'answer 1', 'evidence 1', 'answer 2', 'evidence 2']);
    expect(dialogue.request().history).toEqual([1, 2]);
    expect(dialogue.request().asked).toEqual([{ role: 'user', content: turn('2').tell.content }]);
  });

  it.each([
    [599, ['answer 1', 'brief 1', 'answer 2', 'evidence 2', 'answer 3', 'evidence 3']],
    [450, ['answer 1', 'brief 1', 'answer 2', 'brief 2', 'answer 3', 'evidence 3']],
    [350, [left, 'brief 1', 'answer 2', 'brief 2', 'answer 3', 'evidence 3']],
    [280, [left, 'brief 1', left, 'brief 2', 'answer 3', 'evidence 3']],
    [0, [left, 'brief 1', left, 'brief 2', left, 'evidence 3']],
  ])('[AR-3.1] leaves out the oldest first, evidence before answers: room %i', (room, expected) => {
    const dialogue = dialogueOf(room, turn('1'), turn('2'), turn('3'));
    expect(outline(dialogue)).toEqual(['the task', ...expected]);
    const { messages } = dialogue.request();
    const tokens = messages.slice(1).reduce((sum, { content }) => sum + estimateTokens(content), 0);
    if (room > 0) expect(tokens).toBeLessThanOrEqual(room);
  });

  it('[AR-3.4] says what it repeats in fewer words', () => {
    const { history } = dialogueOf(350, turn('1'), turn('2'), turn('3')).request();
    expect(history).toEqual([
      { exchange: 1, answer: expect.stringContaining('Left out') as string },
      { exchange: 2, messages: [{ role: 'user', content: 'brief 1' }] },
      { exchange: 3, messages: [{ role: 'user', content: 'brief 2' }] },
    ]);
  });

  it('[AR-3.3] knows what the model can see of a file, and what it cannot any more', () => {
    const turns = [turn('1', { 'a.ts': 'first', 'c.ts': 'new' }), turn('2', { 'a.ts': 'second' })] as const;
    const whole = dialogueOf(400, ...turns);
    expect(['a.ts', 'b.ts', 'c.ts', 'd.ts'].map((path) => whole.lastShown(path))).toEqual([
      'second',
      'base',
      'new',
      undefined,
    ]);
    expect(dialogueOf(350, ...turns).lastShown('c.ts')).toBeUndefined();
  });
});
