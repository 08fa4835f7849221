import type { Task } from '@necrocode/contracts';
import { buildPrompt, type RepositoryView } from './build-prompt.js';
import { isShowable } from './choose-files.js';
import { systemPromptFor } from './system-prompt.js';

const task: Task = {
  task_id: '1',
  spec_name: 'shop',
  title: 'Sum up the basket',
  description: 'The total in src/total.ts ignores discounts.',
  repo_url: 'https://example.com/shop.git',
  related_files: ['src/basket.ts'],
};

function viewOf(files: Readonly<Record<string, string | Buffer>>): RepositoryView {
  const bytes = new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]));
  return {
    paths: [...bytes.keys()].sort(),
    sizeOf: (path) => bytes.get(path)?.length,
    read: (paths) =>
      Promise.resolve(
        new Map(
          paths.flatMap((path) => {
            const content = bytes.get(path);
            return content ? [[path, content] as const] : [];
          }),
        ),
      ),
  };
}

const repository = {
  'README.md': '# Shop',
  'src/basket.ts': `import { priceOf } from './catalogue.js';\nimport '../.env';`,
  'src/total.ts': `import { round } from './money/index.js';`,
  'src/catalogue.ts': 'export {};',
  'src/money/index.ts': 'export {};',
  'src/discounts.ts': 'export {};',
  'src/zebra.ts': 'export {};',
  '.env': 'TOKEN=hidden',
  'package-lock.json': '{}',
};

describe('buildPrompt', () => {
  it('[AR-3.1] shows named files first, then what they import, then names that match the task', async () => {
    const { shownFiles, cut } = await buildPrompt(task, viewOf(repository), 10_000);
    expect(shownFiles.slice(0, 5)).toEqual([
      'src/basket.ts',
      'src/total.ts',
      'src/catalogue.ts',
      'src/money/index.ts',
      'src/discounts.ts',
    ]);
    expect(cut).toEqual([]);
  });

  it('[AR-10.5] shows no file that looks like a secret, named or imported', async () => {
    const key = `-----BEGIN RSA ${'PRIVATE'} KEY-----\nx\n`;
    const view = viewOf({ ...repository, 'test/fixture.txt': key });
    const named = { ...task, related_files: ['src/basket.ts', '.env', 'test/fixture.txt'] };
    const { messages, cut } = await buildPrompt(named, view, 10_000);
    const text = messages.map(({ content }) => content).join('\n');
    expect(text).not.toContain('TOKEN=hidden');
    expect(text).not.toContain('BEGIN RSA');
    expect(cut.join('\n')).toMatch(/\.env is not shown.*\n.*test\/fixture\.txt/);
  });

  it('[AR-3.1] keeps the budget and says what was left out', async () => {
    const large = { ...repository, 'src/total.ts': `${repository['src/total.ts']}\n${'x'.repeat(30_000)}` };
    const named = { ...task, related_files: ['src/basket.ts', 'src/gone.ts'] };
    const { messages, cut, shownFiles, estimatedTokens } = await buildPrompt(named, viewOf(large), 3_000);
    expect(estimatedTokens).toBeLessThanOrEqual(3_000);
    expect(shownFiles).toContain('src/basket.ts');
    expect(shownFiles).not.toContain('src/total.ts');
    expect(cut).toEqual([
      '- src/gone.ts does not exist at the base commit',
      expect.stringMatching(/src\/total\.ts \(named by the task\) is too large/),
    ]);
    for (const line of cut) expect(messages[1]?.content).toContain(line);
  });

  it('[AR-3.1] starts with a part that depends on the form of the answer only', async () => {
    for (const format of ['json', 'blocks'] as const) {
      const a = await buildPrompt(task, viewOf(repository), 10_000, { format });
      const b = await buildPrompt({ ...task, title: 'Other' }, viewOf({}), 9_000, { format });
      expect(a.messages[0]).toEqual({ role: 'system', content: systemPromptFor(format) });
      expect(b.messages[0]).toEqual(a.messages[0]);
    }
    expect(systemPromptFor('blocks')).not.toBe(systemPromptFor('json'));
  });

  it('[AR-3.1] shows text only', () => {
    expect(isShowable(Buffer.from('naïve ☃'))).toBe(true);
    expect(isShowable(Buffer.from([0x61, 0x00]))).toBe(false);
    expect(isShowable(Buffer.from([0xff, 0xfe]))).toBe(false);
  });
});
