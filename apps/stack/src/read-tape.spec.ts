import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@necrocode/testkit';
import { readTape } from './read-tape.js';

const directory = tempDir();

function tape(...lines: readonly unknown[]): string {
  const file = join(directory, 'transcript.jsonl');
  writeFileSync(
    file,
    lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join(''),
  );
  return file;
}

const usage = { input_tokens: 10, cached_tokens: 4, output_tokens: 2 };

describe('readTape', () => {
  it('[AR-3.4] plays the answers in order, with their usage, then says that there are no more', () => {
    const file = tape(
      { round: 1, replayed: true, model: null, usage: null, messages: [], answer: 'one' },
      { round: 2, model: 'model-x', usage: { ...usage, more: 1 }, answer: 'two', finish_reason: 'length' },
    );
    expect(readTape(file)).toEqual({
      file,
      answers: 2,
      model: 'model-x',
      answerFormat: 'json',
      script: {
        default: [
          { text: 'one' },
          { text: 'two', usage, finish_reason: 'length' },
          {
            fault: {
              status: 404,
              message: `the tape has run out: its 2 answers are used, the last one is on line 2 of ${file}`,
            },
          },
        ],
      },
    });
  });

  it('[AR-3.4] passes over what is no answer, and fields that it does not know', () => {
    const file = tape(
      { kind: 'note' },
      '',
      { answer: null, error: 'away' },
      { answer: 'x', colour: 'red', usage: 'much', model: 7 },
    );
    expect(readTape(file)).toMatchObject({ answers: 1, model: undefined });
    expect(readTape(file).script.default[1]).toMatchObject({
      fault: { message: expect.stringContaining('line 4') as string },
    });
  });

  it('[AR-3.4] knows answers in blocks', () => {
    expect(readTape(tape({ answer: 'So:\n<<<< create a.ts\nx\n>>>>\n<<<< end\n' })).answerFormat).toBe(
      'blocks',
    );
    expect(readTape(tape({ answer: '{"content":"<<<<<<< HEAD"}' })).answerFormat).toBe('json');
  });

  it.each([
    ['what is not JSON', ['{"answer":"x"}', '# Transcript'], /transcript\.jsonl, line 2: not JSON/],
    ['what is no object', ['[1]'], /line 1: not a JSON object/],
    ['an answer that is no text', [{ answer: 7 }], /line 1: answer is not a text/],
    ['a tape without answers', [{ round: 1 }], /transcript\.jsonl: holds no answer/],
    ['an empty file', [], /holds no answer/],
  ])('[AR-3.4] refuses %s, naming the place', (_what, lines, message) => {
    expect(() => readTape(tape(...lines))).toThrow(message);
  });

  it('[AR-3.4] refuses a file that is not there', () => {
    expect(() => readTape('/nowhere/x.jsonl')).toThrow('/nowhere/x.jsonl: there is no such file');
    expect(() => readTape(directory)).toThrow(/cannot be read \(EISDIR\)/);
  });
});
