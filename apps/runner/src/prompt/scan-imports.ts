import { posix } from 'node:path';

/** A longer text is not source that somebody wrote, and a scan of its beginning finds the imports. */
const scannedCharacters = 200_000;

/**
 * The files of the repository that a source file imports, in the order in which it names them. Goes by
 * the usual ways of writing imports in JavaScript, TypeScript, Python, Go and Rust; packages from outside
 * the repository, aliases and generated modules are not found.
 *
 * @param files every file of the repository
 */
export function importedFiles(path: string, text: string, files: ReadonlySet<string>): string[] {
  const resolve = resolverFor(path);
  if (!resolve) return [];
  const found = resolve(path, text.slice(0, scannedCharacters), files).map((name) => posix.normalize(name));
  return [...new Set(found)].filter((file) => file !== path && files.has(file));
}

type Resolver = (path: string, text: string, files: ReadonlySet<string>) => string[];

function resolverFor(path: string): Resolver | undefined {
  const extension = posix.extname(path);
  if (/^\.([cm]?[jt]sx?|vue|svelte)$/.test(extension)) return scriptImports;
  if (extension === '.py') return pythonImports;
  if (extension === '.go') return goImports;
  return extension === '.rs' ? rustImports : undefined;
}

const scriptEndings = [
  '.ts',
  '.tsx',
  '.js',
  '.jsx',
  '.mjs',
  '.cjs',
  '.mts',
  '.cts',
  '.json',
  '.vue',
  '.svelte',
];

function scriptImports(path: string, text: string, files: ReadonlySet<string>): string[] {
  const names = text.matchAll(/\b(?:from|import|require)\s{0,20}\(?\s{0,20}(["'])(\.[^"'\n]{0,300})\1/g);
  return [...names].flatMap(([, , name = '']) => {
    const target = posix.join(posix.dirname(path), name);
    // TypeScript's ESM names the file that will be built.
    const stem = target.replace(/\.([cm]?)js(x?)$/, '');
    const candidates = [
      target,
      ...scriptEndings.map((ending) => target + ending),
      ...(stem === target ? [] : scriptEndings.map((ending) => stem + ending)),
      ...scriptEndings.map((ending) => `${target}/index${ending}`),
    ];
    return candidates.find((candidate) => files.has(candidate)) ?? [];
  });
}

function pythonImports(path: string, text: string, files: ReadonlySet<string>): string[] {
  const found: string[] = [];
  for (const line of text.split('\n')) {
    const from = /^\s*from\s+(\.*)([\w.]*)\s+import\s+(.*)$/.exec(line);
    const plain = from ? null : /^\s*import\s+([\w., ]+)/.exec(line);
    if (from) {
      const [, dots = '', name = '', names = ''] = from;
      const modules = [name, ...(names.match(/\w+/g) ?? []).map((part) => (name ? `${name}.${part}` : part))];
      for (const module of modules) found.push(...pythonModule(path, dots.length, module, files));
    } else if (plain) {
      for (const module of (plain[1] ?? '').split(',')) {
        found.push(...pythonModule(path, 0, module.trim().split(' ')[0] ?? '', files));
      }
    }
  }
  return found;
}

/** Absolute names are looked for from the root, from `src`, and from every folder above the file. */
function pythonModule(path: string, dots: number, module: string, files: ReadonlySet<string>): string[] {
  if (module === '') return [];
  const inner = module.replaceAll('.', '/');
  const folders = ancestors(path);
  const roots = dots > 0 ? folders.slice(dots - 1, dots) : ['.', 'src', ...folders];
  for (const root of roots) {
    const target = posix.join(root, inner);
    const file = [`${target}.py`, `${target}/__init__.py`].find((candidate) => files.has(candidate));
    if (file) return [file];
  }
  return [];
}

/** A Go import names a folder; the module's own path is cut off by trying ever shorter ends of it. */
function goImports(_path: string, text: string, files: ReadonlySet<string>): string[] {
  const block = /^import\s{0,20}\(([^)]{0,8000})\)/m.exec(text)?.[1] ?? '';
  const single = [...text.matchAll(/^import[ \t]{1,20}(?:[\w.]{1,100}[ \t]{1,20})?"([^"\n]{1,300})"/gm)].map(
    ([, name]) => name,
  );
  const names = [...single, ...[...block.matchAll(/"([^"\n]{1,300})"/g)].map(([, name]) => name)];
  const folders = new Map<string, string[]>();
  for (const file of files) {
    if (!file.endsWith('.go') || file.endsWith('_test.go')) continue;
    const folder = posix.dirname(file);
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return names.flatMap((name = '') => {
    const parts = name.split('/');
    // The standard library has no dot in its first part; what is left may be a module without a domain.
    for (let start = 0; start < parts.length; start += 1) {
      const inside = folders.get(parts.slice(start).join('/'));
      if (inside && (start > 0 || parts.length > 1)) return inside;
    }
    return [];
  });
}

function rustImports(path: string, text: string, files: ReadonlySet<string>): string[] {
  const folder = posix.dirname(path);
  const isRoot = /(^|\/)(main|lib|mod)\.rs$/.test(path);
  const own = isRoot ? folder : path.slice(0, -'.rs'.length);
  const crate = ancestors(path).find((above) => posix.basename(above) === 'src') ?? folder;
  const pick = (base: string, parts: readonly string[]): string[] => {
    for (let length = parts.length; length > 0; length -= 1) {
      const target = posix.join(base, ...parts.slice(0, length));
      const file = [`${target}.rs`, `${target}/mod.rs`].find((candidate) => files.has(candidate));
      if (file) return [file];
    }
    return [];
  };
  const modules = [
    ...text.matchAll(
      /^[ \t]{0,100}(?:pub(?:\([^)\n]{0,60}\))?[ \t]{1,20})?mod[ \t]{1,20}(\w{1,100})[ \t]{0,20};/gm,
    ),
  ];
  const uses = [...text.matchAll(/\buse\s+(crate|super|self)::([\w:]{1,300})/g)];
  return [
    ...modules.flatMap(([, name = '']) => pick(own, [name])),
    ...uses.flatMap(([, start, rest = '']) => {
      const base = start === 'crate' ? crate : start === 'self' ? own : posix.dirname(own);
      return pick(base, rest.split('::').filter(Boolean));
    }),
  ];
}

/** The folders of a path from the innermost up to the root (`.`). */
function ancestors(path: string): string[] {
  const folders: string[] = [];
  for (let folder = posix.dirname(path); ; folder = posix.dirname(folder)) {
    folders.push(folder);
    if (folder === '.' || folder === '/') return folders;
  }
}
