import type { Task } from '@necrocode/contracts';

/** Beyond these, a repository's files are listed but not shown unless they are asked for. */
const mostUnnamedFiles = 30;

/** Names that usually hold secrets: never sent anywhere. */
const secretLooking =
  /(^|\/)(\.env(\..*)?|.*\.(pem|key|p12|pfx|jks|keystore)|id_(rsa|dsa|ecdsa|ed25519)|\.npmrc|\.netrc|\.pypirc|credentials(\.json)?)$/i;

/** Large and made by tools, so they tell a model little. */
const generated =
  /(^|\/)(package-lock\.json|yarn\.lock|pnpm-lock\.yaml|Cargo\.lock|go\.sum|poetry\.lock|composer\.lock)$|\.min\.(js|css)$|\.(snap|map|svg)$/;

/** The files worth showing, most relevant first: those that the task names, then those that its words point to. */
export function rankFiles(task: Task, paths: readonly string[]): string[] {
  const known = new Set(paths);
  const named = (task.related_files ?? []).filter((path) => known.has(path) && !secretLooking.test(path));
  const words = wordsOf(task);
  const scored = paths
    .filter((path) => !named.includes(path) && !secretLooking.test(path) && !generated.test(path))
    .map((path) => ({ path, score: scoreOf(path, words, task) }))
    .sort((a, b) => b.score - a.score || a.path.length - b.path.length || (a.path < b.path ? -1 : 1));
  return [...named, ...scored.slice(0, mostUnnamedFiles).map(({ path }) => path)];
}

export function isSecretLooking(path: string): boolean {
  return secretLooking.test(path);
}

/** Text that a model can read: UTF-8 without NUL in its beginning. */
export function isShowable(bytes: Uint8Array): boolean {
  if (bytes.subarray(0, 8_000).includes(0)) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

function scoreOf(path: string, words: ReadonlySet<string>, task: Task): number {
  const text = `${task.title}\n${task.description}`;
  if (text.includes(path)) return 100;
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.length > 3 && text.includes(name)) return 50;
  const parts = path.toLowerCase().split(/[^a-z0-9]+/);
  const matches = parts.filter((part) => part.length > 2 && words.has(part)).length;
  const manifest = /^(readme\.[a-z]+|package\.json|pyproject\.toml|go\.mod|cargo\.toml|makefile)$/i.test(
    path,
  );
  return matches * 5 + (manifest ? 3 : 0) - path.split('/').length * 0.1;
}

function wordsOf(task: Task): Set<string> {
  const text = [task.title, task.description, ...(task.acceptance_criteria ?? [])].join(' ').toLowerCase();
  return new Set(text.split(/[^a-z0-9]+/).filter((word) => word.length > 2));
}
