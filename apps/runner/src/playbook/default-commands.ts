import type { Task } from '@necrocode/contracts';

/** What the choice of default commands looks at: paths of the base tree and a way to read one. */
export interface RepositoryFiles {
  readonly paths: ReadonlySet<string>;
  read(path: string): Promise<string | undefined>;
}

export interface TaskCommands {
  readonly setup: readonly string[];
  readonly test: readonly string[];
  /** Where the test commands come from: the task, or the build tool that was recognised; null when none was. */
  readonly testsFrom: string | null;
}

interface BuildTool {
  readonly name: string;
  readonly recognise: (files: RepositoryFiles) => Promise<boolean>;
  readonly setup: (files: RepositoryFiles) => readonly string[] | Promise<readonly string[]>;
  readonly test: readonly string[];
}

/** The task's own commands; for what it leaves out, those of the first build tool that is recognised. */
export async function commandsOf(task: Task, files: RepositoryFiles): Promise<TaskCommands> {
  const bothGiven = task.setup_commands !== undefined && task.test_commands !== undefined;
  const tool = bothGiven ? undefined : await recogniseTool(files);
  return {
    setup: task.setup_commands ?? (await tool?.setup(files)) ?? [],
    test: task.test_commands ?? tool?.test ?? [],
    testsFrom: task.test_commands ? 'task' : (tool?.name ?? null),
  };
}

async function recogniseTool(files: RepositoryFiles): Promise<BuildTool | undefined> {
  for (const tool of buildTools) if (await tool.recognise(files)) return tool;
  return undefined;
}

const has =
  (...paths: string[]) =>
  (files: RepositoryFiles) =>
    Promise.resolve(paths.some((path) => files.paths.has(path)));

const hasFile = (pattern: RegExp) => (files: RepositoryFiles) =>
  Promise.resolve([...files.paths].some((path) => pattern.test(path)));

/** Asked in this order; the first that fits is used. */
const buildTools: readonly BuildTool[] = [
  nodeTool('pnpm', 'pnpm-lock.yaml', 'pnpm install --frozen-lockfile', 'pnpm test'),
  nodeTool('yarn', 'yarn.lock', 'yarn install --frozen-lockfile', 'yarn test'),
  nodeTool('npm', 'package.json', 'npm ci --no-audit --no-fund', 'npm test'),
  {
    name: 'pytest',
    recognise: async (files) => usesPytest(files),
    setup: (files) => pythonSetup(files),
    test: ['if [ -x .venv/bin/python ]; then .venv/bin/python -m pytest -q; else python3 -m pytest -q; fi'],
  },
  {
    name: 'unittest',
    recognise: hasFile(/(^|\/)test_[^/]*\.py$/),
    setup: (files) => pythonSetup(files),
    test: ['if [ -x .venv/bin/python ]; then .venv/bin/python -m unittest; else python3 -m unittest; fi'],
  },
  { name: 'go', recognise: has('go.mod'), setup: () => ['go mod download'], test: ['go test ./...'] },
  {
    name: 'cargo',
    recognise: has('Cargo.toml'),
    setup: () => ['cargo fetch'],
    test: ['cargo test --offline'],
  },
  {
    name: 'maven',
    recognise: has('pom.xml'),
    setup: () => ['mvn -B -q dependency:go-offline'],
    test: ['mvn -B -o test'],
  },
  {
    name: 'gradle',
    recognise: has('build.gradle', 'build.gradle.kts'),
    setup: (files) => [`${gradle(files)} --no-daemon testClasses`],
    test: [
      'if [ -x ./gradlew ]; then ./gradlew --no-daemon --offline test; else gradle --no-daemon --offline test; fi',
    ],
  },
  {
    name: 'dotnet',
    recognise: hasFile(/\.(sln|slnx|csproj|fsproj)$/),
    setup: () => ['dotnet restore'],
    test: ['dotnet test --no-restore'],
  },
  {
    name: 'make',
    recognise: async (files) => /^test\s*:/m.test((await files.read('Makefile')) ?? ''),
    setup: () => [],
    test: ['make test'],
  },
];

function nodeTool(name: string, marker: string, install: string, test: string): BuildTool {
  return {
    name,
    recognise: async (files) =>
      files.paths.has(marker) && isRealScript((await readManifest(files)).scripts?.test),
    setup: async (files) => {
      if (name !== 'npm' || files.paths.has('package-lock.json')) return [install];
      const { dependencies, devDependencies } = await readManifest(files);
      const wanted = Object.keys({ ...dependencies, ...devDependencies }).length;
      return wanted > 0 ? ['npm install --no-package-lock --no-audit --no-fund'] : [];
    },
    test: [test],
  };
}

interface Manifest {
  readonly scripts?: { readonly test?: string };
  readonly dependencies?: object;
  readonly devDependencies?: object;
}

/** npm's own placeholder script always fails, so it does not count. */
function isRealScript(script: string | undefined): boolean {
  return Boolean(script) && !/no test specified/.test(script ?? '');
}

/** An unreadable manifest counts as an empty one: npm itself will say what is wrong with it. */
async function readManifest(files: RepositoryFiles): Promise<Manifest> {
  try {
    return JSON.parse((await files.read('package.json')) ?? '{}') as Manifest;
  } catch {
    return {};
  }
}

async function usesPytest(files: RepositoryFiles): Promise<boolean> {
  if (files.paths.has('pytest.ini') || [...files.paths].some((path) => /(^|\/)conftest\.py$/.test(path)))
    return true;
  const settings = await Promise.all(
    ['pyproject.toml', 'setup.cfg', 'tox.ini', 'requirements.txt'].map((path) => files.read(path)),
  );
  return settings.some((text) => /pytest/.test(text ?? ''));
}

function pythonSetup(files: RepositoryFiles): readonly string[] {
  const wanted = ['requirements.txt', 'requirements-dev.txt'].filter((path) => files.paths.has(path));
  if (wanted.length === 0) return [];
  const install = `.venv/bin/pip install -q ${wanted.map((path) => `-r ${path}`).join(' ')}`;
  return ['python3 -m venv --system-site-packages .venv', install];
}

function gradle(files: RepositoryFiles): string {
  return files.paths.has('gradlew') ? './gradlew' : 'gradle';
}
