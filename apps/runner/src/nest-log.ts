import type { LoggerService } from '@nestjs/common';
import type { Logger } from '@necrocode/telemetry';

/** What Nest itself has to say goes the way of all other lines, the mask included. */
export function nestLog(log: Logger): LoggerService {
  const said = (words: readonly unknown[]) => ({
    said: words.map((word) => (word instanceof Error ? word.stack : word)),
  });
  return {
    log: () => undefined,
    warn: (...words: unknown[]) => log.warn(said(words), 'nest warns'),
    error: (...words: unknown[]) => log.error(said(words), 'nest tells of an error'),
    fatal: (...words: unknown[]) => log.fatal(said(words), 'nest tells of a fatal error'),
  };
}
