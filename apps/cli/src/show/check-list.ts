import type { Check } from '../doctor/check.js';
import { styleOfStatus } from './status-style.js';
import { paint, type Terminal } from './terminal.js';

/** One line for each check, and below it what to do where something is to be done. */
export function renderChecks(checks: readonly Check[], terminal: Pick<Terminal, 'interactive'>): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const indent = ' '.repeat(width + 8);
  return checks
    .flatMap(({ name, state, detail, remedy }) => [
      `${paint(terminal, styleOfStatus(state) ?? 'reset', state.padEnd(4))}  ${name.padEnd(width)}  ${detail}`,
      ...(remedy === null ? [] : [`${indent}${paint(terminal, 'dim', `→ ${remedy}`)}`]),
    ])
    .join('\n');
}
