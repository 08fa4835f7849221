import { rm } from 'node:fs/promises';
import { TestEnvironment } from 'jest-environment-node';

/**
 * Node's environment, which removes the directories that a test file got from `tempDir` of libs/testkit once
 * the file and all of its hooks have ended. A hook of the test file itself would come too early: hooks run in
 * the order of their definition, so before the one that stops whatever works in the directory.
 */
export default class extends TestEnvironment {
  async teardown() {
    const made = this.global[Symbol.for('necrocode.temporary-directories')] ?? [];
    await Promise.all(made.map((path) => rm(path, { recursive: true, force: true, maxRetries: 10 })));
    await super.teardown();
  }
}
