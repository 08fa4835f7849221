/**
 * Whether one of the patterns names a branch: `*` stands for anything but "/", `**` for anything.
 *
 * @param branch without `refs/heads/`
 */
export function branchAllowed(branch: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => expressionOf(pattern).test(branch));
}

function expressionOf(pattern: string): RegExp {
  const parts = pattern.split(/(\*\*|\*)/).map((part) => {
    if (part === '**') return '.*';
    return part === '*'
      ? '[^/]*'
      : part.replace(/[^A-Za-z0-9_/]/g, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
  });
  return new RegExp(`^${parts.join('')}$`, 'su');
}
