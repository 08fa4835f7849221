import { trace } from '@opentelemetry/api';
import { pino, type Logger } from 'pino';
import { createMask, type Mask } from './masking/index.js';

export type { Logger };

export interface LoggerOptions {
  readonly name: string;
  readonly level?: string;
  readonly mask?: Mask;
  /** Where lines go; standard error by default, since standard output may carry a command's answer. */
  readonly write?: (line: string) => void;
}

/** JSON lines with the ids of the active trace. Every line passes the mask as its last step. */
export function createLogger({ name, level, mask, write }: LoggerOptions): Logger {
  const hide = mask ?? createMask([]);
  const out = write ?? ((line: string) => process.stderr.write(line));
  return pino(
    {
      name,
      level: level ?? 'info',
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: traceIds,
      serializers: { error: pino.stdSerializers.errWithCause, err: pino.stdSerializers.errWithCause },
    },
    { write: (line: string) => out(plain(hide(line))) },
  );
}

/**
 * What a terminal or a viewer could take for a command stays a letter of its line: JSON escapes the control
 * characters of ASCII only, not those above it, nor line separators and marks that turn the reading direction.
 */
function plain(line: string): string {
  return line.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function traceIds(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  return span ? { trace_id: span.traceId, span_id: span.spanId } : {};
}
