import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { CommandRefused } from './command-refused.js';

/** Where something is, and who says so: for messages about something that does not answer. */
export interface Endpoint {
  readonly address: string;
  /** An environment variable, the path of a `stack.json`, or `default`. */
  readonly source: string;
}

export interface Endpoints {
  readonly nats: Endpoint;
  readonly taskRegistry: Endpoint;
  readonly repoPool: Endpoint;
  readonly artifactStore: Endpoint;
  /** Absent when nothing names one. */
  readonly llm: Endpoint | undefined;
  readonly llmKey: string | undefined;
}

interface Place {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  /** Folder of a stack, named by the user. */
  readonly dataDir?: string;
}

/**
 * The endpoints from the environment, else from the `stack.json` of a running stack, else the usual ones.
 *
 * @throws CommandRefused for a `stack.json` that was named and is not there, or that cannot be read
 */
export function findEndpoints(place: Place): Endpoints {
  const { environment } = place;
  const stack = findStack(place);
  const pick = (variable: string, field: StackField, usual: string): Endpoint =>
    fromEnvironment(environment, variable) ??
    fromStack(stack, field) ?? { address: usual, source: 'default' };
  return {
    nats: pick('NATS_URL', 'nats_url', 'nats://127.0.0.1:4222'),
    taskRegistry: pick('TASK_REGISTRY_URL', 'task_registry', '127.0.0.1:50051'),
    repoPool: pick('REPO_POOL_URL', 'repo_pool', '127.0.0.1:50052'),
    artifactStore: pick('ARTIFACT_STORE_URL', 'artifact_store', '127.0.0.1:50053'),
    llm:
      fromEnvironment(environment, 'OPENAI_BASE_URL') ??
      fromStack(stack, 'llm_base_url') ??
      openAi(environment),
    llmKey: llmKey(environment),
  };
}

const stackSchema = z.looseObject({
  nats_url: z.string().optional(),
  task_registry: z.string().optional(),
  repo_pool: z.string().optional(),
  artifact_store: z.string().optional(),
  llm_base_url: z.string().nullish(),
});
type StackField = keyof z.infer<typeof stackSchema>;

interface Stack {
  readonly path: string;
  readonly fields: z.infer<typeof stackSchema>;
}

const workspaceRoot = resolve(import.meta.dirname, '../../..');

function findStack({ environment, directory, dataDir }: Place): Stack | undefined {
  const named = dataDir ?? (environment.NECROCODE_DATA_DIR || undefined);
  const folders =
    named === undefined ? [directory, workspaceRoot].map((root) => join(root, '.necrocode')) : [named];
  for (const folder of folders) {
    const path = resolve(directory, folder, 'stack.json');
    const text = readIfThere(path);
    if (text !== undefined) return { path, fields: parseStack(path, text) };
  }
  if (dataDir !== undefined) {
    throw new CommandRefused(
      `no stack.json in ${dataDir}: start a stack there with npm run stack -- --data-dir`,
      2,
    );
  }
  return undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new CommandRefused(`${path} cannot be read (${code ?? 'unknown reason'})`);
  }
}

function parseStack(path: string, text: string): Stack['fields'] {
  try {
    return stackSchema.parse(JSON.parse(text));
  } catch {
    throw new CommandRefused(`${path} is not what npm run stack writes: delete it, or start the stack again`);
  }
}

function fromEnvironment(environment: Place['environment'], variable: string): Endpoint | undefined {
  const address = environment[variable];
  return address ? { address, source: variable } : undefined;
}

function fromStack(stack: Stack | undefined, field: StackField): Endpoint | undefined {
  const address = stack?.fields[field];
  return stack && typeof address === 'string' && address !== '' ? { address, source: stack.path } : undefined;
}

/** A key without an address is one for OpenAI itself. */
function openAi(environment: Place['environment']): Endpoint | undefined {
  if (llmKey(environment) === undefined) return undefined;
  return { address: 'https://api.openai.com/v1', source: 'OPENAI_API_KEY' };
}

function llmKey(environment: Place['environment']): string | undefined {
  if (environment.OPENAI_API_KEY) return environment.OPENAI_API_KEY;
  const file = environment.OPENAI_API_KEY_FILE;
  return file ? readIfThere(file)?.trim() || undefined : undefined;
}
