import { drawLines } from './draw-lines.js';

const chart = {
  title: 'a < b',
  xLabel: 'tasks',
  yLabel: 'per second',
  series: [
    {
      name: '1 runner',
      points: [
        { x: 100, y: 40 },
        { x: 1, y: 10 },
      ],
    },
    { name: '2 runners', points: [{ x: 10, y: 50 }] },
  ],
};

describe('drawLines', () => {
  it('[AR-14.4] draws each series from left to right, on a logarithmic x axis, with 0 at the bottom', () => {
    const svg = drawLines([chart]);
    const lines = [...svg.matchAll(/polyline points="([^"]+)"/g)].map(([, points]) =>
      (points ?? '').split(' '),
    );
    // The axis ends at 50: 10 is a fifth of it, 40 four fifths; the area is 214 high below 40.
    expect(lines).toEqual([['60,211.2', '440,82.8'], ['250,40']]);
    expect(svg).toContain('a &lt; b');
  });

  it('[AR-14.4] puts charts side by side', () => {
    expect(drawLines([chart, chart])).toContain('translate(460 0)');
  });
});
