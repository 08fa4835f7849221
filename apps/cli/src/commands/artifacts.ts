import { createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { formatKey, type ArtifactRef } from '@necrocode/contracts';
import { CommandRefused } from '../command-refused.js';
import { openArtifactStore, type ArtifactStore } from '../reach/artifact-store.js';
import { openTaskRegistry } from '../reach/task-registry.js';
import { resolveKey } from '../resolve-key.js';
import type { ExitCode, Session } from '../session.js';
import { renderArtifacts } from '../show/artifact-list.js';
import { describeTask } from '../show/task-document.js';
import { showBytes } from '../show/units.js';

export interface ArtifactsOptions {
  readonly download?: string;
  readonly run?: number;
  readonly json?: boolean;
}

/** Lists what the latest run of a task that left something has left behind, and fetches it into a folder. */
export async function artifacts(
  text: string,
  options: ArtifactsOptions,
  session: Session,
): Promise<ExitCode> {
  const { endpoints, terminal } = session;
  const registry = openTaskRegistry(endpoints.taskRegistry);
  try {
    const key = await resolveKey(text, registry);
    const chosen = artifactsOfRun(describeTask(await registry.getTask(key)).artifacts, options.run);
    const files =
      options.download === undefined ? [] : await downloadAll(chosen, options.download, session, options);
    if (options.json) {
      terminal.print(
        JSON.stringify(chosen.map((ref, index) => ({ ...ref, ...(files[index] && { file: files[index] }) }))),
      );
    } else if (chosen.length === 0) {
      terminal.note(`${formatKey(key)} has left no artifacts so far`);
    } else if (options.download === undefined) {
      terminal.print(renderArtifacts(chosen, terminal));
    }
    return 0;
  } finally {
    registry.close();
  }
}

/** Of one run: names repeat from run to run. Without a number, of the latest run that has any. */
export function artifactsOfRun(all: readonly ArtifactRef[], run?: number): ArtifactRef[] {
  const wanted = run ?? Math.max(...all.map((ref) => placeOf(ref).run));
  return all.filter((ref) => placeOf(ref).run === wanted);
}

async function downloadAll(
  refs: readonly ArtifactRef[],
  folder: string,
  { endpoints, terminal }: Session,
  { json }: ArtifactsOptions,
): Promise<string[]> {
  const store = openArtifactStore(endpoints.artifactStore);
  try {
    await makeFolder(folder);
    const files: string[] = [];
    for (const ref of refs) {
      const file = resolve(join(folder, `${ref.type}-${placeOf(ref).name}`));
      await downloadTo(file, ref, store);
      files.push(file);
      if (!json) terminal.print(`${showBytes(ref.size_bytes).padStart(9)}  ${file}`);
    }
    return files;
  } finally {
    store.close();
  }
}

/** What stands under the name is whole and checked, whatever happens on the way. */
async function downloadTo(file: string, ref: ArtifactRef, store: ArtifactStore): Promise<void> {
  const unfinished = `${file}.part`;
  try {
    await pipeline(store.download(ref), createWriteStream(unfinished));
    await rename(unfinished, file);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw isOfTheDisk(error) ? new CommandRefused(`${file} cannot be written (${error.code})`) : error;
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    if (isOfTheDisk(error)) throw new CommandRefused(`${folder} cannot be made (${error.code})`, 2);
    throw error;
  }
}

function isOfTheDisk(error: unknown): error is NodeJS.ErrnoException & { code: string } {
  return (
    error instanceof Error && 'syscall' in error && typeof (error as NodeJS.ErrnoException).code === 'string'
  );
}

/**
 * `artifact://<spec>/<task-id>/<run>/<type>/<name>`. The name becomes one of a file here, so it may not
 * lead out of the folder.
 */
function placeOf({ uri }: ArtifactRef): { readonly run: number; readonly name: string } {
  const match = /^artifact:\/\/[^/]+\/[^/]+\/(\d+)\/[^/]+\/([^/\\]+)$/.exec(uri);
  const name = match?.[2];
  if (!name || name === '.' || name === '..' || name.includes('\0')) {
    throw new CommandRefused(`the registry holds an artifact with a malformed address: ${uri}`);
  }
  return { run: Number(match[1]), name };
}
