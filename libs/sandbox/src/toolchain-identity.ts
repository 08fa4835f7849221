import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { networkEnvironment } from './command-environment.js';
import { findToolchains } from './host-toolchains.js';

/**
 * A text that changes when a command with network would find other tools, another system or other
 * registries. No tool is asked for its version, which takes seconds for all of them: its file is looked at.
 *
 * @returns 64 hex digits
 */
export async function toolchainIdentity(environment: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { path, variables } = await findToolchains(environment);
  const files = path.split(':').flatMap((directory) => tools.map((tool) => join(directory, tool)));
  const chosen = Object.values(variables).flatMap((root) => choices.map((name) => join(root, name)));
  const parts = {
    platform: [process.platform, process.arch],
    path,
    variables,
    network: networkEnvironment(environment),
    tools: await Promise.all(files.map(describeFile)),
    roots: await Promise.all(Object.values(variables).map((root) => realpath(root))),
    toolchains: await Promise.all(Object.values(variables).map((root) => namesIn(join(root, 'toolchains')))),
    texts: await Promise.all([...chosen, ...systemFiles].map(textOf)),
  };
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

const tools = (
  'node npm npx corepack pnpm yarn bun deno python python3 pip pip3 uv poetry ruby gem bundle go cargo rustc rustup ' +
  'java javac mvn gradle dotnet cc gcc g++ clang make cmake git'
).split(' ');
/** Where managers of several versions keep the one that is used. */
const choices = ['version', 'settings.toml', 'alias/default', 'release'];
const systemFiles = ['/etc/os-release', '/etc/npmrc', '/etc/pip.conf'];

/** Undefined when there is none. */
async function describeFile(path: string): Promise<readonly (string | number)[] | undefined> {
  try {
    const target = await realpath(path);
    const { size, mtimeMs } = await stat(target);
    return [path, target, size, mtimeMs];
  } catch {
    return undefined;
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  return (await readdir(directory).catch(() => [])).sort();
}

function textOf(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(() => '');
}
