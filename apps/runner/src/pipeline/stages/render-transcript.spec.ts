import { RunnerError } from '@necrocode/contracts';
import type { Exchange } from '../attempt-record.js';
import { SpecRounds } from '../spec-rounds.js';
import { renderTranscript, renderTranscriptMarkdown } from './render-transcript.js';

const exchanges: readonly Exchange[] = [
  {
    round: 1,
    format: 'json',
    history: [],
    asked: [{ role: 'user', content: 'Task\n````md\nx\n````\n' }],
    answer: '{"code_changes":[]}',
    model: 'model|a',
    usage: { inputTokens: 100, cachedTokens: 40, outputTokens: 7 },
    latencyMs: 1_250,
    replayed: false,
  },
  {
    round: 2,
    format: 'json',
    history: [1],
    asked: [{ role: 'user', content: 'Again' }],
    answer: 'no\nmore\n',
    model: null,
    usage: null,
    latencyMs: null,
    replayed: true,
  },
];

describe('renderTranscript', () => {
  it('[AR-3.4] gives one JSON line for each exchange', () => {
    const lines = renderTranscript(exchanges).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        round: 1,
        model: 'model|a',
        latency_ms: 1250,
        usage: { input_tokens: 100, cached_tokens: 40, output_tokens: 7 },
        messages: exchanges[0]?.asked,
      }),
      expect.objectContaining({ round: 2, model: null, usage: null, replayed: true, answer: 'no\nmore\n' }),
    ]);
  });
});

describe('renderTranscriptMarkdown', () => {
  it('[AR-3.4] shows people every message and answer with its figures', () => {
    const text = renderTranscriptMarkdown(exchanges);
    expect(text).toContain('| 1 | 1 | model a | 100 | 40 | 7 | 1.3 |\n| 2 | 2 | – | – | – | – | – |');
    expect(text).toContain('### Runner\n\n`````text\nTask\n````md\nx\n````\n`````\n');
    expect(text).toContain('### Answer\n\n```text\n{"code_changes":[]}\n```\n');
    expect(text).toContain('## Exchange 2, round 2\n\nAnswered in an earlier attempt, and used again.');
    expect(renderTranscriptMarkdown([])).toBe('# Transcript\n\nThe model was not asked.\n');
  });
});

describe('the requests of a transcript', () => {
  type Message = { role: string; content: string };
  interface Line {
    system: string;
    response_schema: string | null;
    definitions?: Record<string, unknown>;
    history: (number | { exchange: number; messages?: Message[]; answer?: string })[];
    messages: Message[];
    answer: string;
  }

  /** As the description of renderTranscript says it. */
  function requestsOf(lines: readonly Line[]): unknown[] {
    const definitions = Object.assign({}, ...lines.map((line) => line.definitions)) as Record<
      string,
      unknown
    >;
    return lines.map((line) => {
      const repeated = line.history.flatMap((entry) => {
        const { exchange, messages, answer } = typeof entry === 'number' ? { exchange: entry } : entry;
        const original = lines[exchange - 1] as Line;
        return [
          ...(messages ?? original.messages),
          { role: 'assistant', content: answer ?? original.answer },
        ];
      });
      return {
        messages: [{ role: 'system', content: definitions[line.system] }, ...repeated, ...line.messages],
        ...(line.response_schema !== null && { responseSchema: definitions[line.response_schema] }),
      };
    });
  }

  it.each(['json', 'blocks'] as const)('[AR-3.4] can be put together again: %s', async (format) => {
    const rounds = SpecRounds.of({ 'a.txt': 'one\n', 'yarn.lock': 'text of the lock' });
    const write = (content: string) => ({
      code_changes: [{ file_path: 'a.txt', operation: 'modify' as const, content }],
    });
    const { record, client } = await rounds.play(
      [
        { code_changes: [], needs_files: ['yarn.lock'] },
        'no',
        write('2'.repeat(8_000)),
        write('3'.repeat(8_000)),
        write('4'),
      ],
      {
        format,
        test: 'seq 2000; false',
        promptTokens: 3_000,
        conversationTokens: 5_000,
        budget: { max_rounds: 5 },
      },
    );
    const text = renderTranscript(record.exchanges);
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    expect(lines).toHaveLength(6);
    expect(lines.some(({ history }) => history.some((entry) => typeof entry !== 'number'))).toBe(true);
    expect(requestsOf(lines)).toEqual(JSON.parse(JSON.stringify(client.requests)));
  });

  it('[AR-3.4] include one that was not answered', async () => {
    const error = new RunnerError('llm_timeout', 'no answer within 2 s');
    const { record } = await SpecRounds.of({ 'a.txt': 'one\n' }).play([{ error }]);
    const line = JSON.parse(renderTranscript(record.exchanges)) as Record<string, unknown>;
    expect(line).toMatchObject({ round: 1, error: { code: 'llm_timeout', message: 'no answer within 2 s' } });
    expect(line).not.toHaveProperty('answer');
    expect(renderTranscriptMarkdown(record.exchanges)).toContain(
      'It failed: llm_timeout, no answer within 2 s',
    );
  });
});
