import type { Exchange } from '../attempt-record.js';

/** JSON Lines: one exchange a line, with what the request added to the conversation, and the answer. */
export function renderTranscript(exchanges: readonly Exchange[]): string {
  return exchanges
    .map((exchange) =>
      JSON.stringify({
        round: exchange.round,
        model: exchange.model,
        latency_ms: exchange.latencyMs,
        usage: exchange.usage && {
          input_tokens: exchange.usage.inputTokens,
          cached_tokens: exchange.usage.cachedTokens,
          output_tokens: exchange.usage.outputTokens,
        },
        replayed: exchange.replayed,
        messages: exchange.asked,
        answer: exchange.answer,
      }),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** The same as Markdown, for people: a table of all exchanges, then each with its messages and answer. */
export function renderTranscriptMarkdown(exchanges: readonly Exchange[]): string {
  const parts = ['# Transcript', overviewOf(exchanges)];
  for (const [index, exchange] of exchanges.entries()) {
    parts.push(`## Exchange ${index + 1}, round ${exchange.round}`, factsOf(exchange));
    for (const { role, content } of exchange.asked) parts.push(`### ${headingOf(role)}`, fenced(content));
    parts.push('### Answer', fenced(exchange.answer));
  }
  return `${parts.join('\n\n')}\n`;
}

function overviewOf(exchanges: readonly Exchange[]): string {
  if (exchanges.length === 0) return 'The model was not asked.';
  const rows = exchanges.map((exchange, index) => {
    const { inputTokens, cachedTokens, outputTokens } = exchange.usage ?? {};
    const cells = [
      index + 1,
      exchange.round,
      cellOf(exchange.model),
      inputTokens ?? '–',
      cachedTokens ?? '–',
      outputTokens ?? '–',
      seconds(exchange),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| # | round | model | input tokens | of these cached | output tokens | seconds |',
    '| --: | --: | --- | --: | --: | --: | --: |',
    ...rows,
  ].join('\n');
}

function cellOf(text: string | null): string {
  return text === null ? '–' : text.replace(/[|\r\n]/g, ' ');
}

function seconds({ latencyMs }: Exchange): string {
  return latencyMs === null ? '–' : (latencyMs / 1000).toFixed(1);
}

function factsOf(exchange: Exchange): string {
  if (exchange.replayed) return 'Answered in an earlier attempt, and used again.';
  return `Model ${cellOf(exchange.model)}, ${seconds(exchange)} s.`;
}

function headingOf(role: string): string {
  return role === 'user' ? 'Runner' : role === 'system' ? 'System' : 'Model';
}

/** In a fence longer than any inside, so that no content can end it. */
function fenced(content: string): string {
  let longest = 2;
  for (const [run] of content.matchAll(/`{3,}/g)) longest = Math.max(longest, run.length);
  const fence = '`'.repeat(longest + 1);
  return `${fence}text\n${content}${content.endsWith('\n') ? '' : '\n'}${fence}`;
}
