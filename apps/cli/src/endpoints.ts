import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readClientTls, readNatsAccess, type ClientTls, type NatsAccess } from '@necrocode/contracts';
import { z } from 'zod';
import { CommandRefused } from './command-refused.js';

/** Where something is, and who says so: for messages about something that does not answer. */
export interface Endpoint {
  readonly address: string;
  /** An environment variable, the path of a `stack.json`, or `default`. */
  readonly source: string;
}

/** A gRPC service. */
export interface ServiceEndpoint extends Endpoint {
  /** What the variables about TLS begin with, such as TASK_REGISTRY_TLS. */
  readonly tlsSetting: string;
  readonly tls: ClientTls | undefined;
}

export interface NatsEndpoint extends Endpoint {
  readonly access: NatsAccess;
}

export interface Endpoints {
  readonly nats: NatsEndpoint;
  readonly taskRegistry: ServiceEndpoint;
  readonly repoPool: ServiceEndpoint;
  readonly artifactStore: ServiceEndpoint;
  /** Absent when nothing names one. */
  readonly llm: Endpoint | undefined;
  readonly llmKey: string | undefined;
  /** Where the runners of a running stack tell of themselves. */
  readonly runners: readonly string[];
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
 * @throws CommandRefused for a `stack.json` that was named and is not there, or that cannot be read, and for
 *   certificates and credentials that cannot be used
 */
export function findEndpoints(place: Place): Endpoints {
  const { environment } = place;
  const stack = findStack(place);
  const pick = (variable: string, field: StackField, usual: string): Endpoint =>
    fromEnvironment(environment, variable) ??
    fromStack(stack, field) ?? { address: usual, source: 'default' };
  const service = (name: string, field: StackField, usual: string): ServiceEndpoint => ({
    ...pick(`${name}_URL`, field, usual),
    tlsSetting: `${name}_TLS`,
    tls: readTls(`${name}_TLS`, environment),
  });
  return {
    nats: withAccess(pick('NATS_URL', 'nats_url', 'nats://127.0.0.1:4222'), environment),
    taskRegistry: service('TASK_REGISTRY', 'task_registry', '127.0.0.1:50051'),
    repoPool: service('REPO_POOL', 'repo_pool', '127.0.0.1:50052'),
    artifactStore: service('ARTIFACT_STORE', 'artifact_store', '127.0.0.1:50053'),
    llm:
      fromEnvironment(environment, 'OPENAI_BASE_URL') ??
      fromStack(stack, 'llm_base_url') ??
      openAi(environment),
    llmKey: llmKey(environment),
    runners: stack?.fields.runners?.map(({ http }) => http) ?? [],
  };
}

const stackSchema = z.looseObject({
  nats_url: z.string().optional(),
  task_registry: z.string().optional(),
  repo_pool: z.string().optional(),
  artifact_store: z.string().optional(),
  llm_base_url: z.string().nullish(),
  runners: z.array(z.looseObject({ http: z.string() })).optional(),
});
type StackField = Exclude<keyof z.infer<typeof stackSchema>, 'runners'>;

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

function withAccess(endpoint: Endpoint, environment: Place['environment']): NatsEndpoint {
  const { access, problems } = readNatsAccess(endpoint.address, environment);
  if (problems.length > 0) throw new CommandRefused(problems.join('; '), 2);
  return { ...endpoint, access };
}

function readTls(setting: string, environment: Place['environment']): ClientTls | undefined {
  const path = (file: string) => environment[`${setting}_${file}`];
  const read = readClientTls(setting, { ca: path('CA'), cert: path('CERT'), key: path('KEY') });
  if (read.kind === 'read') return read.tls;
  const told = read.problems.map(({ file, message }) => `${setting}_${file.toUpperCase()}: ${message}`);
  throw new CommandRefused(told.join('; '), 2);
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
