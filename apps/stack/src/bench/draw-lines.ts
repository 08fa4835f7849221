/** One line of a chart. */
export interface Series {
  readonly name: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

export interface Chart {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
}

const size = { width: 460, height: 300, left: 60, right: 20, top: 40, bottom: 46 };
const colours = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e'];

/** Charts side by side as one SVG document; the x axis is logarithmic, the y axis begins at 0. */
export function drawLines(charts: readonly Chart[]): string {
  const width = size.width * charts.length;
  const drawn = charts.map(
    (chart, index) => `<g transform="translate(${index * size.width} 0)">\n${drawChart(chart)}\n</g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${size.height}" width="${width}" height="${size.height}" font-family="sans-serif" font-size="11">
<rect width="${width}" height="${size.height}" fill="#fff"/>
${drawn.join('\n')}
</svg>
`;
}

function drawChart({ title, xLabel, yLabel, series }: Chart): string {
  const all = series.flatMap(({ points }) => points);
  const xs = [...new Set(all.map(({ x }) => x))].sort((a, b) => a - b);
  const [first = 1, last = 1] = [xs[0], xs.at(-1)];
  const top = niceTop(Math.max(...all.map(({ y }) => y), Number.MIN_VALUE));
  const inner = { width: size.width - size.left - size.right, height: size.height - size.top - size.bottom };
  const atX = (x: number) =>
    place(size.left + (last === first ? 0.5 : Math.log(x / first) / Math.log(last / first)) * inner.width);
  const atY = (y: number) => place(size.top + (1 - y / top) * inner.height);
  const bottom = atY(0);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const y = atY(share * top);
    return `<line x1="${size.left}" x2="${size.width - size.right}" y1="${y}" y2="${y}" stroke="#ddd"/><text x="${size.left - 6}" y="${y + 4}" text-anchor="end">${Number((share * top).toPrecision(3))}</text>`;
  });
  const ticks = xs.map((x) => `<text x="${atX(x)}" y="${bottom + 16}" text-anchor="middle">${x}</text>`);
  const lines = series.map(({ name, points }, index) => {
    const colour = colours[index % colours.length];
    const sorted = points.toSorted((a, b) => a.x - b.x);
    const path = sorted.map(({ x, y }) => `${atX(x)},${atY(y)}`).join(' ');
    const dots = sorted
      .map(({ x, y }) => `<circle cx="${atX(x)}" cy="${atY(y)}" r="3" fill="${colour}"/>`)
      .join('');
    const label = `<text x="${size.left + 8}" y="${size.top + 12 + index * 14}" fill="${colour}">${escapeText(name)}</text>`;
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots}${label}`;
  });
  return [
    `<text x="${size.left}" y="18" font-size="13" font-weight="bold">${escapeText(title)}</text>`,
    `<text x="${size.left}" y="32" fill="#555">${escapeText(yLabel)}</text>`,
    `<text x="${size.width / 2}" y="${size.height - 10}" text-anchor="middle" fill="#555">${escapeText(xLabel)}</text>`,
    ...grid,
    ...ticks,
    ...lines,
  ].join('\n');
}

/** The next of 1, 2, 5, 10, 20, … */
function niceTop(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5, 10].find((step) => step * power >= value) ?? 10) * power;
}

function place(value: number): number {
  return Math.round(value * 10) / 10;
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
