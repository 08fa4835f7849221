import { jest } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { digestOf } from '@necrocode/contracts';
import { GitRepository, startSilentServer, tempDir } from '@necrocode/testkit';
import { previewByRunner } from './reach/runner.js';
import { specTask, writeTask } from './spec-stack.js';
import { necro } from './spec-terminal.js';

// Each starts processes of its own.
jest.setTimeout(30_000);

/** Nothing but git is there to be asked. */
const temporary = tempDir();
const environment = {
  PATH: process.env.PATH,
  TMPDIR: temporary,
  NATS_URL: 'nats://127.0.0.1:1',
  TASK_REGISTRY_URL: '127.0.0.1:1',
  OPENAI_BASE_URL: 'http://127.0.0.1:1/v1',
  LLM_MODEL: 'model-x',
};

describe('necro submit --dry-run', () => {
  const remote = new GitRepository({ 'src/total.ts': 'export const total = 1;\n' });
  const task = specTask('d1', { description: 'See src/total.ts.', repo_url: remote.path });
  const dryRun = (document: unknown, ...more: string[]) =>
    necro(['submit', writeTask(document), '--dry-run', ...more], environment);

  it('[AR-3.1] shows the prompt, its files and its size, with neither NATS nor services nor a model', async () => {
    const ran = await dryRun(task);
    expect(ran).toMatchObject({ exitCode: 0, notes: '' });
    expect(ran.out).toContain('valid, not published  cli-spec/d1');
    expect(ran.out).toContain(digestOf(task));
    expect(ran.out).toMatch(/^ {2}model\s+model-x; answers as json$/m);
    expect(ran.out).toMatch(/^ {2}prompt\s+about [\d,]+ of 60,000 tokens: system \d+ \+ user \d+$/m);
    expect(ran.out).toMatch(/^ {2}files\s+src\/total\.ts$/m);
    expect(ran.out).toMatch(/── user · about \d+ tokens ──\nTask: cli-spec\/d1\n[^]*export const total = 1;/);
    expect(readdirSync(temporary)).toEqual([]);
  });

  it('[AR-3.1] answers in JSON, by the runner’s own settings', async () => {
    const config = join(tempDir(), 'config.yaml');
    writeFileSync(config, 'llm: { answer_format: blocks, prompt_tokens: 900 }\ntask: { max_cost_usd: 2 }\n');
    const words = ['submit', '-', '--dry-run', '--json'];
    const settings = { ...environment, NECROCODE_CONFIG: config };
    const ran = await necro(words, settings, { input: JSON.stringify(task) });
    expect(ran.json()).toMatchObject({
      key: 'cli-spec/d1',
      published: false,
      prompt: [
        { role: 'system', content: expect.stringContaining('<<<< end') as string },
        { role: 'user', content: expect.stringContaining('Task: cli-spec/d1') as string },
      ],
      tokens: expect.any(Number) as number,
      tokens_limit: 900,
      model: 'model-x',
      answer_format: 'blocks',
      budget: { max_cost_usd: 2 },
      base_commit: remote.git('rev-parse', 'HEAD'),
    });
  });

  it.each([
    ['an unknown branch', { base_branch: 'nope' }, /branch nope does not exist .* check base_branch/],
    ['no repository', { repo_url: '/nowhere/x.git' }, /no repository at \/nowhere\/x\.git/],
    [
      'a protocol that is not allowed',
      { repo_url: 'ftp://git.example/x.git' },
      /protocol ftp is not allowed/,
    ],
  ])('[AR-8.5] says in one line what is wrong: %s', async (_what, change, message) => {
    const ran = await dryRun({ ...task, ...change });
    expect(ran).toMatchObject({ exitCode: 1, out: '', notes: expect.stringMatching(message) as string });
    expect(ran.notes.trimEnd().split('\n')).toHaveLength(1);
  });

  it('[AR-1.2] names the problems of an invalid task, and those of the settings', async () => {
    const invalid = await dryRun({ ...task, title: '', colour: 'red' });
    expect(invalid).toMatchObject({ exitCode: 2, notes: expect.stringMatching(/2 problems/) as string });
    const words = ['submit', writeTask(task), '--dry-run'];
    const ran = await necro(words, { ...environment, LLM_TIMEOUT_SECONDS: 'soon' });
    expect(ran).toMatchObject({
      exitCode: 2,
      notes: expect.stringContaining('LLM_TIMEOUT_SECONDS') as string,
    });
  });

  it('[AR-1.2] says when there is no runner beside the command line', async () => {
    await expect(previewByRunner(task, environment, '/nowhere/main.js')).rejects.toThrow(/npm run build/);
  });

  it('[AR-11.2] ends when it is interrupted, and leaves nothing behind', async () => {
    await using silent = await startSilentServer();
    const config = join(tempDir(), 'config.yaml');
    writeFileSync(config, 'git: { http_hosts: [127.0.0.1] }\n');
    const file = writeTask({ ...task, repo_url: `http://127.0.0.1:${silent.port}/x.git` });
    const bin = resolve(import.meta.dirname, '../bin/necro.js');
    const child = spawn(process.execPath, [bin, 'submit', file, '--dry-run'], {
      env: { ...environment, NECROCODE_CONFIG: config },
      stdio: 'ignore',
    });
    await silent.connected;
    child.kill('SIGINT');
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(1);
    expect(readdirSync(temporary)).toEqual([]);
  });
});
