import { stripVTControlCharacters } from 'node:util';
import { paint, type Style, type Terminal } from './terminal.js';

export interface Column<Row> {
  readonly title: string;
  readonly show: (row: Row) => string;
  readonly style?: (row: Row) => Style | undefined;
  readonly align?: 'right';
}

/** Rows under titles, each column as wide as its widest cell. A column that is empty throughout is left out. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  terminal: Pick<Terminal, 'interactive'>,
): string {
  const filled = columns.filter((column) => rows.some((row) => column.show(row) !== ''));
  const widths = filled.map(({ title, show }) =>
    Math.max(widthOf(title), ...rows.map((row) => widthOf(show(row)))),
  );
  const line = (cells: readonly string[], style: (index: number) => Style | undefined) =>
    cells
      .map((cell, index) => {
        const filler = ' '.repeat((widths[index] ?? 0) - widthOf(cell));
        const painted = paintIf(terminal, style(index), cell);
        return filled[index]?.align === 'right' ? filler + painted : painted + filler;
      })
      .join('  ')
      .trimEnd();
  const head = line(
    filled.map(({ title }) => title),
    () => 'dim',
  );
  const body = rows.map((row) =>
    line(
      filled.map(({ show }) => show(row)),
      (index) => filled[index]?.style?.(row),
    ),
  );
  return [head, ...body].join('\n');
}

function paintIf(terminal: Pick<Terminal, 'interactive'>, style: Style | undefined, text: string): string {
  return style === undefined ? text : paint(terminal, style, text);
}

function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}
