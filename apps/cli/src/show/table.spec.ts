import { renderTable } from './table.js';

const rows = [
  { name: 'a', count: 5, note: '' },
  { name: 'längere', count: 120, note: '' },
];
const columns = [
  { title: 'NAME', show: ({ name }: (typeof rows)[number]) => name, style: () => 'red' as const },
  { title: 'COUNT', show: ({ count }: (typeof rows)[number]) => String(count), align: 'right' as const },
  { title: 'NOTE', show: ({ note }: (typeof rows)[number]) => note },
];

describe('renderTable', () => {
  it('[AR-12.1] aligns columns and leaves out empty ones', () => {
    expect(renderTable(columns, rows, { interactive: false })).toBe(
      ['NAME     COUNT', 'a            5', 'längere    120'].join('\n'),
    );
  });

  it('[AR-12.1] keeps the widths when it paints', () => {
    const painted = renderTable(columns, rows, { interactive: true });

    expect(painted).toMatch(/\u001b\[31ma/);

    expect(painted.replace(/\u001b\[\d+m/g, '')).toBe(renderTable(columns, rows, { interactive: false }));
  });
});
