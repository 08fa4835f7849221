import ignore, { type Ignore } from 'ignore';
import type { RepositoryView } from './repository-view.js';

/** Which files the repository's own .gitignore files name, though they are committed. */
export interface IgnoredFiles {
  has(path: string): boolean;
}

/**
 * Bounds of what a repository may have the runner match: a rule with `**` costs more with every one of them
 * and with the depth of the path (measured: two of them and 32 directories stay below 0.1 ms).
 */
const mostRules = 2_000;
const mostDeepRules = 100;
const mostWildDirectories = 2;
const mostRuleLength = 300;
const mostDepth = 32;
const longestPath = 256;

/** The .gitignore files of the base commit, as git evaluates them; the work tree has no say. */
export async function readIgnoredFiles(view: RepositoryView): Promise<IgnoredFiles> {
  const files = view.paths.filter((path) => path === '.gitignore' || path.endsWith('/.gitignore'));
  const contents = files.length > 0 ? await view.read(files) : new Map<string, Uint8Array>();
  const limits = { rules: mostRules, deep: mostDeepRules };
  const managers = new Map<string, Ignore>();
  // Those nearest to the root govern most files.
  for (const path of files.sort((a, b) => a.split('/').length - b.split('/').length)) {
    const rules = rulesOf(contents.get(path), limits);
    if (rules.length > 0) managers.set(path.slice(0, -'.gitignore'.length), matcherOf(rules));
  }
  return new CommittedIgnores(managers);
}

function rulesOf(bytes: Uint8Array | undefined, limits: { rules: number; deep: number }): string[] {
  const lines = new TextDecoder().decode(bytes).split(/\r?\n/);
  return lines.filter((line) => {
    if (line.trim() === '' || line.startsWith('#') || line.length > mostRuleLength) return false;
    const wild = line.split('**').length - 1;
    if (wild > mostWildDirectories || limits.rules === 0 || (wild > 1 && limits.deep === 0)) return false;
    limits.rules -= 1;
    if (wild > 1) limits.deep -= 1;
    return true;
  });
}

function matcherOf(rules: readonly string[]): Ignore {
  return ignore({ ignorecase: false, allowRelativePaths: true }).add(rules);
}

class CommittedIgnores implements IgnoredFiles {
  private readonly directories = new Map<string, boolean>();

  /** @param managers by the directory of their file, with its slash; the root's is empty */
  constructor(private readonly managers: ReadonlyMap<string, Ignore>) {}

  has(path: string): boolean {
    if (this.managers.size === 0) return false;
    // Nobody names files so; what cannot be matched within bounds is not shown.
    if (path.length > longestPath || path.split('/').length > mostDepth) return true;
    return this.isIgnored(path);
  }

  /** A directory ends in a slash. What lies in an ignored one is ignored, whatever other rules say. */
  private isIgnored(path: string): boolean {
    const parent = parentOf(path);
    if (parent !== '') {
      const known = this.directories.get(parent) ?? this.isIgnored(parent);
      this.directories.set(parent, known);
      if (known) return true;
    }
    for (let directory = parent; ; directory = parentOf(directory)) {
      const verdict = this.managers.get(directory)?.test(path.slice(directory.length));
      if (verdict?.ignored) return true;
      if (verdict?.unignored || directory === '') return false;
    }
  }
}

/** `a/b/` of `a/b/c` and of `a/b/c/`; empty for what lies in the root. */
function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/', path.length - 2) + 1);
}
