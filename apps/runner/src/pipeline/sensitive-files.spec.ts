import { SpecRounds } from './spec-rounds.js';
import { defaultSensitiveFiles, SensitiveFiles } from './sensitive-files.js';

const policy = new SensitiveFiles({ sensitive: defaultSensitiveFiles, allowed: [] });

describe('sensitive files', () => {
  it.each([
    ['.gitmodules', '.gitmodules'],
    ['sub/.gitattributes', '.gitattributes'],
    ['.github/workflows/ci.yml', '.github/workflows/**'],
    ['.github/workflows/deep/er/x', '.github/workflows/**'],
    ['.github/workflows', '.github/workflows/**'],
    ['.github', '.github/workflows/**'],
    ['.GitHub/WorkFlows/CI.yml', '.github/workflows/**'],
    ['.gitlab-ci.yml', '.gitlab-ci.yml'],
    ['packages/a/.npmrc', '.npmrc'],
    ['.NPMRC', '.npmrc'],
    ['.npmrc. ', '.npmrc'],
    ['.npmrc::$DATA', '.npmrc'],
    ['．npmrc', '.npmrc'],
    ['.n\u200cpmrc', '.npmrc'],
    ['.husky/pre-commit', '**/.husky/**'],
    ['web/.husky/_/husky.sh', '**/.husky/**'],
    ['.husky', '**/.husky/**'],
    ['.pre-commit-config.yaml', '.pre-commit-config.yaml'],
  ])('[AR-10.4] are known in whatever spelling and depth: %j', (path, pattern) => {
    expect(policy.patternFor(path)).toBe(pattern);
  });

  it.each([
    '.github/ISSUE_TEMPLATE.md',
    '.github/dependabot.yml',
    'docs/.github/workflows.md',
    'fixtures/.github/workflows/ci.yml',
    '.gitignore',
    'npmrc',
    'src/.npmrc.ts',
    'husky/x',
    'gitlab-ci.yml',
    '...',
  ])('[AR-3.3] leave other files alone: %j', (path) => {
    expect(policy.patternFor(path)).toBeUndefined();
  });

  it('[AR-10.2] are what the configuration says', () => {
    const own = new SensitiveFiles({ sensitive: ['Jenkinsfile', 'deploy/**'], allowed: ['deploy/notes.md'] });
    expect(
      ['Jenkinsfile', 'deploy/run.sh', 'deploy/notes.md', '.npmrc'].map((path) => own.patternFor(path)),
    ).toEqual(['Jenkinsfile', 'deploy/**', undefined, undefined]);
  });

  it('[AR-10.4] are refused with a code of their own, told back, and nothing else of the answer is applied', async () => {
    const rounds = SpecRounds.of({ a: '1\n', '.npmrc': 'x\n' });
    const good = { operation: 'modify', file_path: 'a', content: '2\n' } as const;
    const refused = { code_changes: [good, { operation: 'delete', file_path: '.npmrc' } as const] };
    const played = await rounds.play([refused, { code_changes: [good] }]);
    expect(played.told(2)).toContain(
      'change 2 (delete ".npmrc"): ".npmrc" decides what runs outside of this task',
    );
    expect(played.ended).toMatchObject([{ outcome: 'sensitive_file' }, { outcome: 'passed' }]);
    const failed = await rounds.play([refused]);
    expect(failed.error).toMatchObject({ code: 'sensitive_file', retryable: false });
    expect(failed.testRuns).toBe(0);
    const allowed = await rounds.play([refused], { allowSensitive: ['/.npmrc'] });
    expect([...(allowed.change?.overlay.keys() ?? [])].sort()).toEqual(['.npmrc', 'a']);
  });
});
