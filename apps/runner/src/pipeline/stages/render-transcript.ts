import { createHash } from 'node:crypto';
import { frameRequest } from '../../prompt/frame-request.js';
import type { Exchange } from '../attempt-record.js';

/**
 * JSON Lines: one exchange a line, with what the request added to the conversation, and the answer.
 *
 * The request itself was: the system part, whose text stands under its digest in `definitions` of the first
 * line that has it; then, for each entry of `history` (a number is the line of an exchange, from 1), the
 * `messages` and the `answer` of that exchange, or what the entry says in place of either; then `messages`.
 * `response_schema` is the digest of the schema sent along, null where none was.
 */
export function renderTranscript(exchanges: readonly Exchange[]): string {
  const defined = new Set<string>();
  return exchanges
    .map((exchange, index) =>
      JSON.stringify({
        exchange: index + 1,
        round: exchange.round,
        model: exchange.model,
        latency_ms: exchange.latencyMs,
        usage: exchange.usage && {
          input_tokens: exchange.usage.inputTokens,
          cached_tokens: exchange.usage.cachedTokens,
          output_tokens: exchange.usage.outputTokens,
        },
        replayed: exchange.replayed,
        answer_format: exchange.format,
        ...framing(exchange, defined),
        history: exchange.history,
        messages: exchange.asked,
        answer: exchange.answer,
        finish_reason: exchange.finishReason,
        error: exchange.error,
      }),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** The parts of a request that are the same for many, by their digests. */
function framing({ format }: Exchange, defined: Set<string>): Record<string, unknown> {
  const { messages, responseSchema } = frameRequest(format, []);
  const definitions: Record<string, unknown> = {};
  const define = (part: unknown) => {
    const digest = createHash('sha256').update(JSON.stringify(part)).digest('hex').slice(0, 16);
    if (!defined.has(digest)) definitions[digest] = part;
    defined.add(digest);
    return digest;
  };
  const system = define(messages[0]?.content);
  const schema = responseSchema ? define(responseSchema) : null;
  return { system, response_schema: schema, ...(Object.keys(definitions).length > 0 && { definitions }) };
}

/** The same as Markdown, for people: a table of all exchanges, then each with its messages and answer. */
export function renderTranscriptMarkdown(exchanges: readonly Exchange[]): string {
  const parts = ['# Transcript', overviewOf(exchanges)];
  for (const [index, exchange] of exchanges.entries()) {
    parts.push(`## Exchange ${index + 1}, round ${exchange.round}`, factsOf(exchange));
    for (const { role, content } of exchange.asked) parts.push(`### ${headingOf(role)}`, fenced(content));
    if (exchange.answer !== undefined) parts.push('### Answer', fenced(exchange.answer));
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
  const asked = `Model ${cellOf(exchange.model)}, asked for ${exchange.format}`;
  if (exchange.error) return `${asked}. It failed: ${exchange.error.code}, ${exchange.error.message}`;
  const shortened = exchange.history.flatMap((entry) => (typeof entry === 'number' ? [] : [entry.exchange]));
  const brief = shortened.length > 0 ? ` Shortened in this request: exchanges ${shortened.join(', ')}.` : '';
  return `${asked}, ${seconds(exchange)} s.${brief}`;
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
