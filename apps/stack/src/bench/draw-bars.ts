const width = 40;

/** A bar chart in text, one line for each value. */
export function drawBars(
  bars: readonly { readonly label: string; readonly value: number }[],
  unit: string,
): string {
  const largest = Math.max(...bars.map(({ value }) => value), Number.MIN_VALUE);
  const labelWidth = Math.max(...bars.map(({ label }) => label.length), 0);
  return bars
    .map(({ label, value }) => {
      const bar = '█'.repeat(Math.max(0, Math.round((value / largest) * width)));
      return `  ${label.padEnd(labelWidth)} ${bar.padEnd(width)} ${value.toFixed(1).padStart(8)} ${unit}`;
    })
    .join('\n');
}
