import { isUtf8 } from 'node:buffer';
import type { Task } from '@necrocode/contracts';
import { findTokens } from '@necrocode/telemetry';
import type { IgnoredFiles } from './ignored-files.js';

/** Beyond these, a repository's files are listed but not shown unless they are asked for. */
const mostUnnamedFiles = 30;
/** A repository that commits more than this of what it ignores has nothing else that matches. */
const mostIgnoredFiles = 1_000;

/** Names that usually hold secrets: never sent anywhere. */
const secretLooking =
  /(^|\/)(\.env(\..*)?|.*\.(pem|key|p12|pfx|jks|keystore|kdbx)|id_(rsa|dsa|ecdsa|ed25519)|\.npmrc|\.netrc|\.pypirc|\.git-credentials|\.htpasswd|credentials(\.json)?|secrets?\.(json|ya?ml|toml))$/i;
/** Examples of the above are made to be read. */
const secretExample = /\.(example|sample|template|dist)$/i;

/** Large and made by tools, so they tell a model little. */
const generated =
  /(^|\/)(package-lock\.json|yarn\.lock|pnpm-lock\.yaml|Cargo\.lock|go\.sum|poetry\.lock|composer\.lock)$|\.min\.(js|css)$|\.(snap|map|svg)$/;

/** Files whose names alone say how much they matter to a task; each list with the most relevant first. */
export interface RankedFiles {
  /** Named in `related_files`, or by their whole path in the task's text; also those that may not be shown. */
  readonly named: readonly string[];
  /** Whose names match words of the task. */
  readonly matching: readonly string[];
  /** Files that would be among these, but .gitignore names them. */
  readonly ignored: readonly string[];
}

/** The files worth showing, apart from those that the named ones import. */
export function rankFiles(task: Task, paths: readonly string[], ignores: IgnoredFiles): RankedFiles {
  const known = new Set(paths);
  const text = textOf(task);
  const related = (task.related_files ?? []).filter((path) => known.has(path));
  const mentioned = paths.filter((path) => path.length > 3 && text.includes(path) && isMention(text, path));
  const named = [...new Set([...related, ...mentioned])];
  const words = wordsOf(text);
  const ranked = paths
    .filter((path) => !named.includes(path) && !isSecretLooking(path) && !generated.test(path))
    .map((path) => ({ path, score: scoreOf(path, words, text) }))
    .sort((a, b) => b.score - a.score || a.path.length - b.path.length || (a.path < b.path ? -1 : 1));
  const matching: string[] = [];
  const ignored: string[] = [];
  for (const { path } of ranked) {
    if (matching.length === mostUnnamedFiles || ignored.length === mostIgnoredFiles) break;
    (ignores.has(path) ? ignored : matching).push(path);
  }
  return { named, matching, ignored };
}

export function isSecretLooking(path: string): boolean {
  return secretLooking.test(path) && !secretExample.test(path);
}

/** Made by tools: worth showing only when the task names it. */
export function isGenerated(path: string): boolean {
  return generated.test(path);
}

/** A file with one has nothing else to tell; other tokens are masked where they stand. */
const wholeFile = 'a private key';

/** Why contents may not be shown, as the end of a sentence; undefined for text that a model can read and may see. */
export function whyHidden(bytes: Uint8Array): Hiding | undefined {
  const binary: Hiding = { reason: 'binary', why: 'it is binary' };
  if (bytes.subarray(0, 8_000).includes(0)) return binary;
  if (!isUtf8(bytes)) return binary;
  const isKeyFile = findTokens(Buffer.from(bytes)).some(({ kind }) => kind === wholeFile);
  return isKeyFile ? { reason: 'secret-looking', why: `it holds what looks like ${wholeFile}` } : undefined;
}

export interface Hiding {
  readonly reason: 'binary' | 'secret-looking' | 'ignored';
  readonly why: string;
}

/** The same for a path. */
export function whyPathHidden(path: string, ignores: IgnoredFiles): Hiding | undefined {
  if (isSecretLooking(path))
    return { reason: 'secret-looking', why: 'its name is one of those that hold secrets' };
  return ignores.has(path) ? { reason: 'ignored', why: '.gitignore names it' } : undefined;
}

export function isShowable(bytes: Uint8Array): boolean {
  return whyHidden(bytes) === undefined;
}

/** `a.ts` is not mentioned by `data.ts`. */
function isMention(text: string, path: string): boolean {
  for (let at = text.indexOf(path); at >= 0; at = text.indexOf(path, at + 1)) {
    const before = text[at - 1] ?? ' ';
    const after = text.slice(at + path.length, at + path.length + 2);
    if (!/[\w/.-]/.test(before) && !/^(?:[\w/-]|\.\w)/.test(after)) return true;
  }
  return false;
}

function scoreOf(path: string, words: ReadonlySet<string>, text: string): number {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const spoken = name.length > 3 && text.includes(name) && isMention(text, name) ? 50 : 0;
  const parts = path
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  const matches = parts.filter((part) => part.length > 2 && words.has(part)).length;
  const manifest = /^(readme\.[a-z]+|package\.json|pyproject\.toml|go\.mod|cargo\.toml|makefile)$/i.test(
    path,
  );
  return spoken + matches * 5 + (manifest ? 3 : 0) - path.split('/').length * 0.1;
}

function textOf(task: Task): string {
  return [task.title, task.description, ...(task.acceptance_criteria ?? [])].join('\n');
}

function wordsOf(text: string): Set<string> {
  const plain = text.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  return new Set(plain.split(/[^a-z0-9]+/).filter((word) => word.length > 2));
}
