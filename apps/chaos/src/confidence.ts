const error = 0.05;

/**
 * The share that is not exceeded with 95 % confidence when `found` of `runs` had it (Clopper-Pearson, one
 * side). For none of n it is 1 − 0.05^(1/n), about 3/n.
 */
export function upperBound(found: number, runs: number): number {
  if (runs === 0 || found >= runs) return 1;
  let low = found / runs;
  let high = 1;
  // The probability to find so few falls as the share grows.
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (atMost(found, runs, middle) > error) low = middle;
    else high = middle;
  }
  return high;
}

/** Probability of at most `found` hits in `runs` tries with probability `share` each. */
function atMost(found: number, runs: number, share: number): number {
  // From one term to the next, in logarithms, since the first may be too small for a number.
  let logTerm = runs * Math.log1p(-share);
  let sum = Math.exp(logTerm);
  for (let hits = 1; hits <= found; hits += 1) {
    logTerm += Math.log((runs - hits + 1) / hits) + Math.log(share) - Math.log1p(-share);
    sum += Math.exp(logTerm);
  }
  return sum;
}
