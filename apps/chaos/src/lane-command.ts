import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findTool } from '@necrocode/host-tools';
import { workspaceRoot } from '@necrocode/stack';
import type { LaneJob } from './lane.js';

/** From its built files, wherever this one is run from. */
const program = join(workspaceRoot, 'apps/chaos/dist/lane-process.js');
const smallDiskBytes = 96 * 1024 * 1024;

/** Whether a lane can be given a file system of its own here, which takes bubblewrap 0.7 or newer. */
export async function canMountSmallDisk(folder: string): Promise<boolean> {
  const bwrap = await findTool('bwrap');
  if (bwrap === undefined) return false;
  return promisify(execFile)(bwrap, [...mountArguments(folder), 'true']).then(
    () => true,
    () => false,
  );
}

/** The command that runs a lane, on a small disk where it is to have one. */
export async function laneCommand({ smallDisk }: LaneJob): Promise<readonly [string, ...string[]]> {
  if (smallDisk === undefined) return [process.execPath, program];
  const bwrap = await findTool('bwrap');
  if (bwrap === undefined) throw new Error('bubblewrap is gone');
  mkdirSync(smallDisk, { recursive: true });
  return [bwrap, ...mountArguments(smallDisk), process.execPath, program];
}

/** Everything as it is, but for a file system in memory at the folder, without any rights. */
function mountArguments(folder: string): string[] {
  return [
    '--dev-bind',
    '/',
    '/',
    '--size',
    String(smallDiskBytes),
    '--tmpfs',
    folder,
    '--die-with-parent',
    '--',
  ];
}
