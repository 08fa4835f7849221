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
    expect(cut).toEqual([
      '- .env (imported by a file above) is not shown: its name is one of those that hold secrets',
    ]);
  });

  it('[AR-10.5] shows no file that looks like a secret, named or imported', async () => {
    const key = `-----BEGIN RSA ${'PRIVATE'} KEY-----\n${'a1B2c3D4'.repeat(8)}\n`;
    const view = viewOf({ ...repository, 'test/fixture.txt': key });
    const named = { ...task, related_files: ['src/basket.ts', '.env', 'test/fixture.txt'] };
    const { messages, cut } = await buildPrompt(named, view, 10_000);
    const text = messages.map(({ content }) => content).join('\n');
    expect(text).not.toContain('TOKEN=hidden');
    expect(text).not.toContain('BEGIN RSA');
    expect(cut.join('\n')).toMatch(
      /\.env \(named by the task\) is not shown: its name.*\n.*test\/fixture\.txt .* a private key/,
    );
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
      '- src/total.ts (named by the task) is not shown: no room for its 30042 bytes',
      '- .env (imported by a file above) is not shown: its name is one of those that hold secrets',
    ]);
    for (const line of cut) expect(messages[1]?.content).toContain(line);
  });

  it('[AR-10.5] shows neither private keys, whatever the name of their file, nor what .gitignore names', async () => {
    const key = `-----BEGIN ${'PRIVATE'} KEY-----\n${'a1B2c3D4'.repeat(8)}\n`;
    const view = viewOf({
      ...repository,
      '.gitignore': 'ignored.txt\nsrc/out/\n',
      'src/key.txt': key,
      'ignored.txt': 'kept by mistake',
      'src/out/total.js': 'made by a tool',
      'bin.dat': Buffer.from([0, 1]),
      'big.txt': 'x'.repeat(200_001),
      'credentials.json': '{"hidden":1}',
    });
    const named = { ...task, related_files: ['src/basket.ts', 'src/out/total.js'] };
    const { messages, cut, shownFiles } = await buildPrompt(named, view, 10_000);
    const text = messages.map(({ content }) => content).join('\n');
    for (const secret of ['a1B2c3D4', 'kept by mistake', 'made by a tool', 'hidden']) {
      expect(text).not.toContain(secret);
    }
    expect(shownFiles).toContain('src/total.ts');
    expect([...cut].sort()).toEqual([
      '- .env (imported by a file above) is not shown: its name is one of those that hold secrets',
      '- big.txt is too large to be shown (200001 bytes)',
      '- bin.dat is not shown: it is binary',
      '- credentials.json is not shown: its name is one of those that hold secrets',
      '- ignored.txt is not shown: .gitignore names it',
      '- src/key.txt is not shown: it holds what looks like a private key',
      '- src/out/total.js (named by the task) is not shown: .gitignore names it',
    ]);
  });

  it('[AR-3.1] counts what is left out past the first 20, within the budget', async () => {
    const keys = Array.from(
      { length: 300 },
      (_, at) => [`keys/${'deep/'.repeat(30)}${at}.pem`, 'x'] as const,
    );
    const short = Array.from({ length: 30 }, (_, at) => [`${at}.pem`, 'x'] as const);
    for (const [files, mostLines] of [
      [keys, 20],
      [short, 21],
    ] as const) {
      const { cut, estimatedTokens } = await buildPrompt(
        task,
        viewOf({ ...repository, ...Object.fromEntries(files) }),
        3_000,
      );
      const told = cut.filter((line) => line.includes('is not shown'));
      expect(told.length).toBeLessThan(mostLines);
      expect(cut.at(-1)).toBe(
        `- and ${files.length + 1 - told.length} more files: ${files.length + 1 - told.length} secret-looking`,
      );
      expect(estimatedTokens).toBeLessThanOrEqual(3_000);
    }
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
