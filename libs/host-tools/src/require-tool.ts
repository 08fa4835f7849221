import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { promisify } from 'node:util';

export const toolNames = ['nats-server', 'bwrap', 'git'] as const;
export type ToolName = (typeof toolNames)[number];

interface Tool {
  readonly debianPackage: string;
  /** Names the executable, for hosts where it lives in an unusual place. */
  readonly variable: string;
  readonly website: string;
}

const tools: Record<ToolName, Tool> = {
  'nats-server': {
    debianPackage: 'nats-server',
    variable: 'NATS_SERVER',
    website: 'https://docs.nats.io/running-a-nats-service/introduction/installation',
  },
  bwrap: {
    debianPackage: 'bubblewrap',
    variable: 'BWRAP',
    website: 'https://github.com/containers/bubblewrap',
  },
  git: { debianPackage: 'git', variable: 'GIT', website: 'https://git-scm.com' },
};

/** Where unpacked packages go when the user may not install any: in the checkout, ignored by git. */
const ownFolder = resolve(import.meta.dirname, '../../../.tools');

export class ToolMissing extends Error {}

/** The path of a tool that is there already; undefined otherwise. Installs nothing. */
export async function findTool(name: ToolName): Promise<string | undefined> {
  const named = process.env[tools[name].variable];
  if (named) return named;
  const onPath = (process.env.PATH ?? '').split(delimiter);
  const own = ['usr/sbin', 'usr/bin'].map((folder) => join(ownFolder, tools[name].debianPackage, folder));
  for (const folder of [...onPath, '/usr/sbin', '/usr/local/bin', ...own]) {
    if (folder === '') continue;
    const candidate = join(folder, name);
    const runs = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (runs) return candidate;
  }
  return undefined;
}

/**
 * Finds a tool, or installs it: as root with apt, as an ordinary user by unpacking the Debian package
 * into a folder of the checkout.
 *
 * @param tell is told in one line what is being installed
 * @throws ToolMissing with one line that says what to do
 */
export async function requireTool(
  name: ToolName,
  tell: (line: string) => void = () => undefined,
): Promise<string> {
  const found = await findTool(name);
  if (found) return found;
  const { debianPackage, website, variable } = tools[name];
  const remedy = `${name} is missing: install it (Debian/Ubuntu: apt-get install ${debianPackage}; others: ${website}) or name it in ${variable}.`;
  if (!(await hasApt())) throw new ToolMissing(remedy);
  tell(`installing ${debianPackage}`);
  try {
    if (process.getuid?.() === 0) await installAsRoot(debianPackage);
    else await unpackAsUser(debianPackage);
  } catch (error) {
    throw new ToolMissing(remedy, { cause: error });
  }
  const installed = await findTool(name);
  if (!installed) throw new ToolMissing(remedy);
  return installed;
}

const run = promisify(execFile);
const quiet = { maxBuffer: 16 * 1024 * 1024, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };

function hasApt(): Promise<boolean> {
  return run('apt-get', ['--version']).then(
    () => true,
    () => false,
  );
}

async function installAsRoot(debianPackage: string): Promise<void> {
  // Several processes may need tools at the same time: wait for the lock instead of failing.
  const options = ['-qq', '-o', 'DPkg::Lock::Timeout=180'];
  const install = () =>
    run('apt-get', [...options, 'install', '-y', '--no-install-recommends', debianPackage], quiet);
  await install().catch(async () => {
    await run('apt-get', [...options, 'update'], quiet);
    await install();
  });
}

async function unpackAsUser(debianPackage: string): Promise<void> {
  await mkdir(ownFolder, { recursive: true });
  const work = await mkdtemp(join(ownFolder, 'unpack-'));
  try {
    // Package lists of the user's own: the system's may be missing, and are root's to update.
    await mkdir(join(work, 'lists/partial'), { recursive: true });
    await mkdir(join(work, 'cache/archives/partial'), { recursive: true });
    const options = [
      '-qq',
      '-o',
      `Dir::State::Lists=${join(work, 'lists')}`,
      '-o',
      `Dir::Cache=${join(work, 'cache')}`,
    ];
    await run('apt-get', [...options, 'update'], quiet);
    await run('apt-get', [...options, 'download', debianPackage], { ...quiet, cwd: work });
    const archive = (await readdir(work)).find((file) => file.endsWith('.deb'));
    if (!archive) throw new Error(`apt-get downloaded no ${debianPackage}`);
    await run('dpkg-deb', ['-x', archive, 'root'], { ...quiet, cwd: work });
    // Another process may have been quicker; its copy is as good.
    await rename(join(work, 'root'), join(ownFolder, debianPackage)).catch((error: unknown) => {
      if (!['ENOTEMPTY', 'EEXIST'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
