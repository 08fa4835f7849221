import { createHash } from 'node:crypto';
import type { BaseTree } from '@necrocode/workspace';

/** What the result of setup depends on, of the repository's files. */
export interface SetupInputs {
  /** `lockfiles`: nothing but these; `tree`: setup may look at any file, and run it. */
  readonly mode: 'lockfiles' | 'tree';
  readonly digest: string;
}

type Files = Pick<BaseTree, 'paths' | 'entry' | 'read'>;

/**
 * Finds out which files setup depends on. A result that is kept under too few of them would be wrong for
 * the next task, and a way in: a branch with the same lock file and another install script would decide
 * what tasks on the main branch run. So only installations that run nothing of the repository depend on
 * their lock files alone; everything else depends on the whole tree.
 */
export async function setupInputs(commands: readonly string[], tree: Files): Promise<SetupInputs> {
  const kinds = commands.map((command) => kindsOfInstall.find(({ pattern }) => pattern.test(command)));
  const all = [...tree.paths()];
  for (const [at, kind] of kinds.entries()) {
    if (!kind || !(await kind.readsOnlyItsFiles(all, tree, commands[at] ?? '')))
      return inputs('tree', all, tree);
  }
  const read = all.filter((path) => kinds.some((kind) => kind?.files.test(path)));
  return inputs('lockfiles', read, tree);
}

interface KindOfInstall {
  readonly pattern: RegExp;
  /** What it reads. */
  readonly files: RegExp;
  readonly readsOnlyItsFiles: (paths: readonly string[], tree: Files, command: string) => Promise<boolean>;
}

const kindsOfInstall: readonly KindOfInstall[] = [
  {
    pattern: /^npm ci(?: --(?:no-audit|no-fund|no-progress|ignore-scripts|prefer-offline|silent))*$/,
    files: /(^|\/)(package\.json|package-lock\.json|npm-shrinkwrap\.json|\.npmrc)$/,
    readsOnlyItsFiles: isPlainNpm,
  },
  {
    pattern: /^go mod download$/,
    files: /(^|\/)go\.(mod|sum|work|work\.sum)$/,
    readsOnlyItsFiles: (paths) => Promise.resolve(paths.includes('go.sum')),
  },
];

/** Scripts that npm runs on installation; those of dependencies may look at the repository as well. */
const lifecycle = /"(?:pre|post)?(?:install|prepare|prepublish)"\s*:|"dependencies"\s*:\s*"/;
const dependencyScripts = /"hasInstallScript"\s*:\s*true/;
const localPackage = /"file:/;
/** Settings of npm that start nothing and lead nowhere on disk. */
const plainSetting =
  /^\s*(?:[#;].*|(?:@[\w.-]+:)?registry\s*=\s*https?:\/\/\S+|(?:audit|fund|engine-strict|save-exact|legacy-peer-deps|progress|loglevel)\s*=\s*[\w-]+)?\s*$/;

async function isPlainNpm(paths: readonly string[], tree: Files, command: string): Promise<boolean> {
  if (!paths.some((path) => path === 'package-lock.json' || path === 'npm-shrinkwrap.json')) return false;
  // Installed packages in the repository would be run, or take part.
  if (paths.some((path) => /(^|\/)node_modules(\/|$)/.test(path))) return false;
  const read = paths.filter((path) => kindsOfInstall[0]?.files.test(path));
  // Links lead to files that are not among these.
  if (read.some((path) => tree.entry(path)?.mode !== '100644')) return false;
  const texts = [...(await tree.read(read))].map(([path, bytes]) => ({ path, text: bytes.toString('utf8') }));
  // Escapes in names would hide what is looked for below.
  if (texts.some(({ text }) => localPackage.test(text) || text.includes('\\u'))) return false;
  const settings = texts.filter(({ path }) => path.endsWith('.npmrc'));
  if (settings.some(({ text }) => !text.split('\n').every((line) => plainSetting.test(line)))) return false;
  if (command.includes(' --ignore-scripts')) return true;
  if (paths.includes('binding.gyp')) return false;
  return texts.every(
    ({ path, text }) => !(path.endsWith('package.json') ? lifecycle : dependencyScripts).test(text),
  );
}

function inputs(mode: SetupInputs['mode'], paths: readonly string[], tree: Files): SetupInputs {
  const hash = createHash('sha256');
  for (const path of [...paths].sort()) {
    const { mode: fileMode, id } = tree.entry(path) ?? { mode: '', id: '' };
    hash.update(`${fileMode} ${id} ${path}\0`);
  }
  return { mode, digest: hash.digest('hex') };
}
