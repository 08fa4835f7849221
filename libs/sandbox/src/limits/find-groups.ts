import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { directoriesOf, groupPrefix, openResourceGroup, type GroupPlace } from './resource-group.js';

/**
 * Where this process may make control groups, found by making one and having a process join it; undefined
 * where it may not. Removes the groups that runners left which are no more.
 */
export function findGroupPlace(proc = '/proc'): GroupPlace | undefined {
  const memberships = parseMemberships(readText(join(proc, 'self/cgroup')));
  const mounts = parseMounts(readText(join(proc, 'self/mountinfo')));
  for (const place of candidates(memberships, mounts)) {
    if (!works(place)) continue;
    for (const directory of directoriesOf(place)) sweep(directory);
    return place;
  }
  return undefined;
}

interface Mount {
  readonly root: string;
  readonly directory: string;
  readonly type: string;
  readonly options: readonly string[];
}

/** Controller to path; the key of version 2 is empty. */
function parseMemberships(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    for (const controller of match?.[1]?.split(',') ?? []) found.set(controller, match?.[2] ?? '/');
  }
  return found;
}

function parseMounts(text: string): Mount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root, directory] = before.split(' ');
    const [type = '', , options = ''] = after.split(' ');
    if (!type.startsWith('cgroup') || root === undefined || directory === undefined) return [];
    return [{ root, directory, type, options: options.split(',') }];
  });
}

/** The best first: below the group of this process, so that what bounds that bounds its commands too. */
function candidates(memberships: ReadonlyMap<string, string>, mounts: readonly Mount[]): GroupPlace[] {
  const unified = mounts.find(({ type }) => type === 'cgroup2');
  const own = unified && directoryOf(unified, memberships.get(''));
  const places: GroupPlace[] = [];
  if (unified && own !== undefined) {
    places.push({ version: 2, directory: own });
    if (own !== unified.directory) places.push({ version: 2, directory: unified.directory });
    else if (existsSync(join(own, 'cgroup.type')) && makeRoom(own))
      places.unshift({ version: 2, directory: own });
  }
  const legacy = (controller: string) => {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes(controller));
    return mount && directoryOf(mount, memberships.get(controller));
  };
  const [memory, pids, cpu, cpuacct] = ['memory', 'pids', 'cpu', 'cpuacct'].map(legacy);
  if (memory !== undefined && pids !== undefined) {
    const counting = { ...(cpu !== undefined && { cpu }), ...(cpuacct !== undefined && { cpuacct }) };
    places.push({ version: 1, memory, pids, ...counting });
  }
  return places;
}

function directoryOf({ root, directory }: Mount, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const inside = posix.relative(root, path);
  return inside.startsWith('..') ? directory : posix.join(directory, inside);
}

/**
 * The root of a container's own hierarchy: a group with processes of its own can share out nothing, so they
 * move one step down. False where that is not allowed.
 */
function makeRoom(directory: string): boolean {
  if (hasControllers(directory)) return true;
  const leaf = join(directory, 'init');
  const moved = spawnSync('/bin/sh', [
    '-c',
    'mkdir -p "$2" && for pid in $(cat "$1/cgroup.procs"); do echo "$pid" > "$2/cgroup.procs"; done; echo "+memory +pids" > "$1/cgroup.subtree_control" && echo "+cpu" > "$1/cgroup.subtree_control"',
    'sh',
    directory,
    leaf,
  ]);
  return moved.status === 0 || hasControllers(directory);
}

function hasControllers(directory: string): boolean {
  const shared = readText(join(directory, 'cgroup.subtree_control')).trim().split(' ');
  return shared.includes('memory') && shared.includes('pids');
}

function works(place: GroupPlace): boolean {
  if (place.version === 2 && !hasControllers(place.directory)) return false;
  try {
    const group = openResourceGroup(place, { memoryMb: 64, processes: 16 });
    try {
      const script = 'for file; do echo 0 > "$file" || exit 1; done';
      return spawnSync('/bin/sh', ['-c', script, 'sh', ...group.joinFiles]).status === 0;
    } finally {
      void group.remove();
    }
  } catch {
    return false;
  }
}

/** A runner that was killed leaves its groups, which are empty as soon as its commands have died with it. */
function sweep(directory: string): void {
  for (const name of readdirSync(directory)) {
    const pid = name.startsWith(groupPrefix) ? /^\d+/.exec(name.slice(groupPrefix.length))?.[0] : undefined;
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    try {
      rmdirSync(join(directory, name));
    } catch {
      // Another runner was quicker, or something in it still lives.
    }
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
