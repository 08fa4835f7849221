/** Names that an expression asks for. */
export interface PromqlNames {
  readonly metrics: readonly string[];
  /** In matchers and groupings. */
  readonly labels: readonly string[];
}

const keywords = new Set(['by', 'without', 'on', 'ignoring', 'and', 'or', 'unless', 'offset', 'bool']);
const identifier = /[a-zA-Z_:][a-zA-Z0-9_:]*/g;

/** Reads metrics and labels out of a PromQL expression; it judges nothing else of it. */
export function namesOf(expression: string): PromqlNames {
  const labels: string[] = [];
  const withoutText = expression.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const withoutLabels = withoutText
    .replace(/\{([^}]*)\}/g, (_all, matchers: string) => {
      labels.push(...(matchers.match(identifier) ?? []));
      return ' ';
    })
    .replace(/\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g, (_all, list: string) => {
      labels.push(...(list.match(identifier) ?? []));
      return ' ';
    })
    .replace(/\[[^\]]*\]/g, ' ');
  const metrics = [...withoutLabels.matchAll(/(?<![\w:.])[a-zA-Z_:][\w:]*(?!\s*\()(?![\w:])/g)]
    .map(([name]) => name)
    .filter((name) => !keywords.has(name));
  return { metrics: [...new Set(metrics)], labels: [...new Set(labels)] };
}

/** Label names of every metric in a scrape, by the metric's name. */
export function namesInScrape(text: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    const [, metric, matchers = ''] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? /.exec(line) ?? [];
    if (metric === undefined) continue;
    const labels = found.get(metric) ?? new Set();
    for (const [, label] of matchers.matchAll(/([a-zA-Z_]\w*)="(?:[^"\\]|\\.)*"/g))
      labels.add(label as string);
    found.set(metric, labels);
  }
  return found;
}
