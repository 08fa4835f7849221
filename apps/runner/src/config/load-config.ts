import { readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { parse as parseYaml } from 'yaml';
import type { z } from 'zod';
import { natsAccessProblems } from '@necrocode/contracts';
import { natsAccessOf } from '../connections.js';
import { configSchema, type RunnerConfig } from './config-schema.js';
import { listVariables, secretVariables, variables } from './variables.js';

const mostConfigBytes = 1_048_576;

export class ConfigProblems extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`the settings are not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigProblems';
  }
}

/**
 * Reads the settings. The only place of the runner that looks at the environment.
 *
 * @param file YAML file; undefined for none
 * @throws ConfigProblems naming every setting that is wrong; values are never shown
 */
export function loadConfig(file: string | undefined, environment: NodeJS.ProcessEnv): RunnerConfig {
  const problems: string[] = [];
  const document = readDocument(file, problems);
  for (const [variable, path] of Object.entries(variables)) {
    const value = readVariable(variable, environment, problems);
    if (value === undefined) continue;
    setPath(
      document,
      path,
      listVariables.has(variable) ? value.split(',').map((item) => item.trim()) : value,
    );
  }
  const parsed = configSchema.safeParse(document);
  if (!parsed.success) problems.push(...parsed.error.issues.map(describeIssue));
  else problems.push(...contradictions(parsed.data));
  if (problems.length > 0 || !parsed.success) throw new ConfigProblems(problems);
  return parsed.data;
}

/** Settings that are right alone but not together. */
function contradictions(config: RunnerConfig): string[] {
  const { heartbeat_seconds, ack_wait_seconds, slot_wait_seconds, report_wait_seconds } = config;
  const { stage_timeout_seconds, llm } = config;
  return [
    ...natsAccessProblems(natsAccessOf(config)),
    ...(heartbeat_seconds * 5 > ack_wait_seconds
      ? ['heartbeat_seconds: must be at most a fifth of ack_wait_seconds']
      : []),
    ...(stage_timeout_seconds.lease_slot <= slot_wait_seconds
      ? ['stage_timeout_seconds.lease_slot: must be more than slot_wait_seconds']
      : []),
    ...(llm.conversation_tokens !== undefined && llm.conversation_tokens <= llm.prompt_tokens
      ? ['llm.conversation_tokens: must be more than llm.prompt_tokens']
      : []),
    ...(stage_timeout_seconds.report <= report_wait_seconds
      ? ['stage_timeout_seconds.report: must be more than report_wait_seconds']
      : []),
  ];
}

/** Unique among all runners of all time: host, process and a random part. */
export function makeRunnerId(config: RunnerConfig): string {
  const random = Math.floor(Math.random() * 0xffffff)
    .toString(16)
    .padStart(6, '0');
  return config.runner_id ?? `${hostname()}-${process.pid}-${random}`;
}

function readDocument(file: string | undefined, problems: string[]): Record<string, unknown> {
  if (file === undefined) return {};
  try {
    if (statSync(file).size > mostConfigBytes) throw new Error('is too large for settings');
    // Aliases that grow without end are refused; settings need none of them to be many.
    const document: unknown = parseYaml(readFileSync(file, 'utf8'), { maxAliasCount: 100 }) ?? {};
    if (typeof document === 'object' && !Array.isArray(document)) return document as Record<string, unknown>;
    problems.push(`${file}: must be a mapping of settings`);
  } catch (error) {
    // The lines after the first would show what the file says, secrets too.
    problems.push(`${file}: ${error instanceof Error ? error.message.split('\n', 1)[0] : 'unreadable'}`);
  }
  return {};
}

function readVariable(name: string, environment: NodeJS.ProcessEnv, problems: string[]): string | undefined {
  if (environment[name]) return environment[name];
  const file = secretVariables.has(name) ? environment[`${name}_FILE`] : undefined;
  if (!file) return undefined;
  try {
    // An empty file is how compose files mount "no secret".
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    problems.push(`${name}_FILE: the file cannot be read`);
    return undefined;
  }
}

function setPath(document: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [first, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    document[first] = value;
    return;
  }
  const inner = document[first];
  const object = inner !== null && typeof inner === 'object' ? (inner as Record<string, unknown>) : {};
  document[first] = object;
  setPath(object, rest, value);
}

function describeIssue(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.') || '(file)';
  const variable = Object.entries(variables).find(([, target]) => target.join('.') === path)?.[0];
  const unknown =
    issue.code === 'unrecognized_keys' ? `unknown setting ${issue.keys.join(', ')}` : issue.message;
  return `${path}${variable ? ` (${variable})` : ''}: ${unknown}`;
}
