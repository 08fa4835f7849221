import { readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { Task } from '@necrocode/contracts';
import { createMask } from '@necrocode/telemetry';
import { GitRepository, startSilentServer } from '@necrocode/testkit';
import { loadConfig } from '../config/load-config.js';
import { systemPromptFor } from '../prompt/system-prompt.js';
import { previewTask } from './preview-task.js';

const config = loadConfig(undefined, { LLM_MODEL: 'model-x' });
const mask = createMask(['hunter2-hunter2']);

const directories = () => readdirSync(tmpdir()).filter((name) => name.startsWith('necrocode-preview-'));

function taskFor(repoUrl: string, more: Partial<Task> = {}): Task {
  return {
    task_id: '1',
    spec_name: 'shop',
    title: 'Sum up',
    description: 'The total in src/total.ts ignores discounts.',
    repo_url: repoUrl,
    ...more,
  };
}

function preview(task: Task, settings = config, signal = new AbortController().signal) {
  return previewTask(task, settings, mask, signal);
}

describe('previewTask', () => {
  const remote = new GitRepository({
    'src/total.ts': 'export const total = 1; // hunter2-hunter2\n',
    'src/other.ts': 'export {};\n',
  });

  it('[AR-3.1] shows the first request, with estimates, files, model and budget', async () => {
    const shown = await preview(
      taskFor(remote.path, { budget: { max_rounds: 7 }, related_files: ['gone.ts'] }),
    );
    expect(shown).toMatchObject({
      model: 'model-x',
      answer_format: 'json',
      budget: { max_rounds: 7, max_tokens: 200_000, max_cost_usd: null },
      base_branch: 'main',
      base_commit: remote.git('rev-parse', 'main'),
      left_out: ['gone.ts does not exist at the base commit'],
      tokens_limit: 60_000,
    });
    expect(shown.files[0]).toBe('src/total.ts');
    expect(shown.prompt.map(({ role }) => role)).toEqual(['system', 'user']);
    expect(shown.prompt[0]?.content).toBe(systemPromptFor('json'));
    expect(shown.prompt[1]?.content).toMatch(/^Task: shop\/1\n[^]*export const total = 1;/);
    expect(shown.prompt.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(shown.tokens);
  });

  it('[AR-10.5] shows no secret of the runner', async () => {
    const shown = await preview(taskFor(remote.path));
    expect(JSON.stringify(shown)).toContain('[masked]');
    expect(JSON.stringify(shown)).not.toContain('hunter2');
  });

  it('[AR-2.2] only reads the remote, and leaves nothing behind', async () => {
    const before = remote.git('for-each-ref');
    await preview(taskFor(`file://${remote.path}`));
    expect(remote.git('for-each-ref')).toBe(before);
    expect(directories()).toEqual([]);
  });

  it('[AR-5.4] says what would stop a run: a branch that exists, a protocol that is not allowed', async () => {
    const task = taskFor(remote.path, { branch_name: 'taken' });
    remote.git('branch', 'taken');
    expect((await preview(task)).notes).toEqual([
      expect.stringContaining('git.protocols') as string,
      expect.stringMatching(/^the branch taken exists .* branch_conflict$/) as string,
    ]);
    const allowed = { ...config, git: { ...config.git, protocols: ['file' as const] } };
    expect((await preview(taskFor(remote.path), allowed)).notes).toEqual([]);
  });

  it.each([
    ['repo_unreachable', { repo_url: '/nowhere/x.git' }, '/nowhere/x.git'],
    ['repo_not_allowed', { repo_url: 'http://example.invalid/x.git' }, 'plain http|protocol http'],
    ['base_branch_missing', { base_branch: 'nope' }, 'nope'],
    ['unknown_playbook', { playbook: 'nope' }, 'nope'],
  ])('[AR-8.5] ends with %s and leaves nothing behind', async (code, more, named) => {
    await expect(preview(taskFor(remote.path, more))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(named) as string,
    });
    expect(directories()).toEqual([]);
  });

  it('[AR-11.2] leaves nothing behind when it is interrupted', async () => {
    await using silent = await startSilentServer();
    const stop = new AbortController();
    void silent.connected.then(() => stop.abort(new Error('enough')));
    const settings = { ...config, git: { ...config.git, http_hosts: ['127.0.0.1'] } };
    const task = taskFor(`http://127.0.0.1:${silent.port}/x.git`);
    await expect(preview(task, settings, stop.signal)).rejects.toThrow('enough');
    expect(directories()).toEqual([]);
  });
});
