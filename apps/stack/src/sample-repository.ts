import { cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { publishFolder } from './plain-git.js';
import { workspaceRoot } from './workspace-root.js';

/** Makes a bare repository with the sample project as its first commit. Returns its absolute path. */
export function makeSampleRepository(dataDir: string): string {
  const remote = join(dataDir, 'sample.git');
  const project = join(dataDir, 'sample-project');
  mkdirSync(dataDir, { recursive: true });
  cpSync(join(workspaceRoot, 'examples/sample/repository'), project, { recursive: true });
  publishFolder(project, remote);
  return remote;
}
