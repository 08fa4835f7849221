import { resolve } from 'node:path';

/** The checkout that this program belongs to. */
export const workspaceRoot = resolve(import.meta.dirname, '../../..');

/** Where a stack keeps its state when no other folder is named. */
export const defaultDataDir = resolve(workspaceRoot, '.necrocode');
