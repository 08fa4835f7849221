import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, sep } from 'node:path';
import { systemDirectories } from './bubblewrap.js';

/** What of the host's PATH an untrusted command may use. */
export interface Toolchains {
  /** Search path: the host's, without what belongs to the runner itself. */
  readonly path: string;
  /** Directories outside the system's own that the search path needs, to be shown read-only. */
  readonly directories: readonly string[];
  /** Files in them that hold credentials, to be hidden. */
  readonly hidden: readonly string[];
  /** Where those tools find themselves, since HOME is another one. */
  readonly variables: Readonly<Record<string, string>>;
}

/** Finds the toolchains that the host's PATH and variables name. */
export async function findToolchains(host: NodeJS.ProcessEnv): Promise<Toolchains> {
  const own = dirname(process.execPath);
  // The node that runs this comes last: tests run on the machine's own node where it has one.
  const named = [...(host.PATH ?? '').split(':').filter(isForCommands), own];
  const entries = (await Promise.all([...new Set(named)].map(usable))).flat();
  const variables: Record<string, string> = {};
  for (const name of toolVariables) {
    const value = host[name];
    if (value !== undefined && (await usable(value)).length > 0) variables[name] = value;
  }
  const roots = entries.filter((entry) => !isSystem(entry)).map((entry) => toolchainRoot(entry, host.HOME));
  for (const root of roots) await addCompanions(root, roots, variables);
  roots.push(...Object.values(variables).filter((directory) => !isSystem(directory)));
  const directories = new Set((await Promise.all(roots.map(withTarget))).flat());
  const secrets = [...directories].flatMap((directory) =>
    credentialFiles.map((file) => join(directory, file)),
  );
  return {
    path: entries.join(':'),
    directories: [...directories].filter((directory) => !isSystem(directory)).sort(),
    hidden: (await Promise.all(secrets.map(files))).flat(),
    variables,
  };
}

/** Variables that name a toolchain's place and are no secret. */
const toolVariables = [
  'JAVA_HOME',
  'GOROOT',
  'PYENV_ROOT',
  'RUSTUP_HOME',
  'NVM_DIR',
  'SDKMAN_DIR',
  'DOTNET_ROOT',
  'RBENV_ROOT',
];

/** Directories in a home that are one toolchain as a whole. */
const knownRoots = new Set(
  '.pyenv .rbenv .nvm .nodenv .goenv .jenv .asdf .sdkman .volta .bun .deno .cargo .rustup .dotnet .ghcup .opam .rye'.split(
    ' ',
  ),
);

const credentialFiles = ['credentials', 'credentials.toml'];

/** npm puts the runner's own tools on the PATH of what it starts; they are not the repository's. */
function isForCommands(entry: string): boolean {
  return (
    entry.startsWith('/') &&
    !/\/node_modules\/(\.bin|npm|@npmcli)(\/|$)/.test(entry) &&
    !/\/node-gyp-bin\/?$/.test(entry)
  );
}

async function usable(directory: string): Promise<string[]> {
  if (!directory.startsWith('/')) return [];
  try {
    await access(directory, constants.R_OK | constants.X_OK);
    return [directory.replace(/\/+$/, '') || '/'];
  } catch {
    return [];
  }
}

function isSystem(directory: string): boolean {
  return systemDirectories.some((system) => directory === system || directory.startsWith(system + sep));
}

/** The directory that a tool needs around its `bin`: never a home, and never all that a home holds. */
function toolchainRoot(entry: string, home: string | undefined): string {
  const segments = entry.split(sep);
  const known = segments.findIndex((segment) => knownRoots.has(segment));
  if (known > 0) return segments.slice(0, known + 1).join(sep);
  const parent = dirname(entry);
  const isBin = ['bin', 'shims', 'sbin'].includes(basename(entry));
  return isBin && !isShared(parent, home) ? parent : entry;
}

/** Directories that hold other things than one toolchain. */
function isShared(directory: string, home: string | undefined): boolean {
  const depth = directory.split(sep).filter((segment) => segment !== '').length;
  const isHome = directory === home || /^\/(root|home\/[^/]+)$/.test(directory);
  return depth < 2 || isHome || ['.local', '.config', '.cache'].includes(basename(directory));
}

/** Tools whose parts lie next to each other and find one another through HOME. */
async function addCompanions(
  root: string,
  roots: string[],
  variables: Record<string, string>,
): Promise<void> {
  const name = basename(root);
  if (name === '.pyenv') variables.PYENV_ROOT ??= root;
  if (name === '.rbenv') variables.RBENV_ROOT ??= root;
  if (name !== '.cargo' || variables.RUSTUP_HOME !== undefined) return;
  for (const rustup of await usable(join(dirname(root), '.rustup'))) {
    variables.RUSTUP_HOME = rustup;
    roots.push(rustup);
  }
}

async function files(path: string): Promise<string[]> {
  const stats = await stat(path).catch(() => undefined);
  return stats?.isFile() ? [path] : [];
}

async function withTarget(directory: string): Promise<string[]> {
  try {
    return [directory, await realpath(directory)];
  } catch {
    return [];
  }
}
