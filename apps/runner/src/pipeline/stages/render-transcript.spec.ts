import type { Exchange } from '../attempt-record.js';
import { renderTranscript, renderTranscriptMarkdown } from './render-transcript.js';

const exchanges: readonly Exchange[] = [
  {
    round: 1,
    asked: [
      { role: 'system', content: 'Rules' },
      { role: 'user', content: 'Task\n````md\nx\n````\n' },
    ],
    answer: '{"code_changes":[]}',
    model: 'model|a',
    usage: { inputTokens: 100, cachedTokens: 40, outputTokens: 7 },
    latencyMs: 1_250,
    replayed: false,
  },
  {
    round: 2,
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
