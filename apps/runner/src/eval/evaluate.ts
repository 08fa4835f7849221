import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { Git } from '@necrocode/workspace';
import { readCorpus } from './corpus.js';
import { runCase, type CaseReport } from './run-case.js';

/**
 * Plays every case of a corpus, as many at a time as there are processors.
 *
 * @param work an empty folder for copies of the repositories, since cases write commits
 */
export async function evaluate(corpus: string, work: string): Promise<CaseReport[]> {
  const cases = readCorpus(corpus);
  const gits = new Map<string, Git>();
  for (const { repository } of cases) {
    if (gits.has(repository)) continue;
    gits.set(repository, openCopy(join(corpus, 'repositories'), repository, join(work, `${gits.size}.git`)));
  }
  const reports = new Array<CaseReport>(cases.length);
  const queue = cases.entries();
  const worker = async () => {
    for (const [index, test] of queue) reports[index] = await runCase(test, gits.get(test.repository) as Git);
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return reports;
}

function openCopy(folder: string, repository: string, gitDir: string): Git {
  const source = [`${repository}.bundle`, `${repository}.git`, repository]
    .map((name) => join(folder, name))
    .find((path) => existsSync(path));
  if (!source) throw new Error(`${folder} holds no ${repository}.bundle, ${repository}.git or ${repository}`);
  execFileSync('git', ['clone', '--quiet', '--mirror', source, gitDir], { stdio: 'pipe' });
  return new Git({ gitDir }, { protocols: [] });
}
