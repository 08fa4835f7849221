import { namesInScrape, namesOf } from './promql-names.js';

describe('namesOf', () => {
  it.each([
    ['up == 0', ['up'], []],
    [
      'sum(rate(a_total[5m])) / sum(rate(b_total{x="c d{e}", y=~"f|g"}[5m])) > 0.5',
      ['a_total', 'b_total'],
      ['x', 'y'],
    ],
    ['histogram_quantile(0.95, sum by (le, stage) (rate(t_bucket[5m])))', ['t_bucket'], ['le', 'stage']],
    ['max(a) without (b) * 60 and c unless on (d) e', ['a', 'c', 'e'], ['b', 'd']],
  ])('[AR-12.3] finds metrics and labels of %s', (expression, metrics, labels) => {
    const names = namesOf(expression);
    expect([[...names.metrics].sort(), [...names.labels].sort()]).toEqual([metrics, labels]);
  });
});

describe('namesInScrape', () => {
  it('[AR-12.3] reads every metric with its labels', () => {
    const scrape = '# TYPE a counter\na_total{x="1",y="} z=\\"2\\""} 3\na_total{w=""} 1\nb 2\n';
    expect([...namesInScrape(scrape)].map(([name, labels]) => [name, [...labels]])).toEqual([
      ['a_total', ['x', 'y', 'w']],
      ['b', []],
    ]);
  });
});
