import type { Change } from '@necrocode/contracts';
import { plainSegment, type ChangeProblem } from '@necrocode/workspace';
import ignore, { type Ignore } from 'ignore';

/**
 * Files that decide what runs outside of the sandbox: in CI, in hooks, in package managers and in git of whoever
 * checks the branch out. Patterns as in a .gitignore: without "/" at any depth, otherwise from the root.
 */
export const defaultSensitiveFiles = [
  '.gitmodules',
  '.gitattributes',
  '.github/workflows/**',
  '.gitlab-ci.yml',
  '.npmrc',
  '**/.husky/**',
  '.pre-commit-config.yaml',
] as const;

export interface SensitiveFilesSettings {
  /** Patterns of files that a change may not touch. */
  readonly sensitive: readonly string[];
  /** Patterns of those among them that it may. */
  readonly allowed: readonly string[];
}

/** Which files the policy keeps out of changes. */
export class SensitiveFiles {
  private readonly rules: readonly { readonly pattern: string; readonly matcher: Ignore }[];
  private readonly allowed: Ignore;

  constructor({ sensitive, allowed }: SensitiveFilesSettings) {
    this.rules = sensitive.map((pattern) => ({ pattern, matcher: matcherOf(pattern) }));
    this.allowed = matcherOf(...allowed);
  }

  /** The pattern that names a file, in whatever spelling a file system takes for it. */
  patternFor(path: string): string | undefined {
    const plain = path
      .split('/')
      .map(plainSegment)
      .filter((segment) => segment !== '')
      .join('/');
    if (plain === '' || this.allowed.ignores(plain)) return undefined;
    // What stands in place of a folder (a link, say) decides over what is in it.
    const inside = `${plain}/-`;
    const below = (pattern: string) =>
      pattern
        .replace(/^(\*\*\/)?\/?/, '')
        .toLowerCase()
        .startsWith(`${plain}/`);
    return this.rules.find(
      ({ pattern, matcher }) => matcher.ignores(plain) || matcher.ignores(inside) || below(pattern),
    )?.pattern;
  }
}

/** What the policy says against a set of changes, deletions and both names of a rename included. */
export function objectToSensitive(changes: readonly Change[], policy: SensitiveFiles): ChangeProblem[] {
  return changes.flatMap((change, index) => {
    const { file_path, operation } = change;
    const paths = operation === 'rename' ? [file_path, change.new_path] : [file_path];
    const path = paths.find((one) => policy.patternFor(one) !== undefined);
    if (path === undefined) return [];
    const message = `${JSON.stringify(path)} decides what runs outside of this task (${policy.patternFor(path)}), and the configuration keeps such files out of changes; leave it out of your answer`;
    return [{ file_path, operation, index, reason: 'sensitive', message }];
  });
}

function matcherOf(...patterns: readonly string[]): Ignore {
  return ignore({ ignorecase: true }).add([...patterns]);
}
