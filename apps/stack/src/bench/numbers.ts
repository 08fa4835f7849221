export function spread(numbers: readonly number[]): { median: number; min: number; max: number } {
  return {
    median: round(median(numbers)),
    min: round(Math.min(...numbers)),
    max: round(Math.max(...numbers)),
  };
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const [low, high] = [sorted[Math.ceil(sorted.length / 2) - 1] ?? NaN, sorted[middle] ?? NaN];
  return (low + high) / 2;
}

/** To two digits after the point. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
