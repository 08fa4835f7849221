import { jest } from '@jest/globals';
import { parseTask, RunnerError } from '@necrocode/contracts';
import { checkDestination } from './check-destination.js';
import { Surroundings } from './spec-surroundings.js';

jest.setTimeout(120_000);

/** What a runner with the shipped settings allows, on one host and for one kind of branch. */
const settings = {
  token: 'the-git-token',
  tokenHosts: ['git.example.org'],
  protocols: ['https', 'ssh'],
  httpHosts: [],
  hosts: ['git.example.org'],
  branches: ['feature/**', 'fix/*'],
  credentialsDir: '',
  retries: { tries: 1, patienceMs: 0 },
};

const good = {
  task_id: '1.1',
  spec_name: 'spec',
  title: 'Do it',
  description: 'What there is to do.',
  repo_url: 'https://git.example.org/x.git',
};

type Row = readonly [what: string, code: string, document: unknown];
const invalid = (field: string, ...values: readonly unknown[]): Row[] =>
  values.map((value) => [`${field} ${show(value)}`, 'invalid_task', { ...good, [field]: value }]);
const show = (value: unknown) => JSON.stringify(value).slice(0, 60);
const at = (code: string, field: string, ...values: readonly string[]): Row[] =>
  values.map((value) => [`${field} ${show(value)}`, code, { ...good, [field]: value }]);

const tasks: readonly Row[] = [
  ...invalid(
    'task_id',
    '',
    '../1',
    'a/b',
    'a..b',
    '.1',
    '-1',
    '1.lock',
    '1.',
    'a b',
    'a\nb',
    'ä',
    'a\0',
    'x'.repeat(65),
    1,
    null,
    {},
  ),
  ...invalid(
    'spec_name',
    '',
    '..',
    'a/b',
    'a.b',
    '-a',
    'a b',
    'a*',
    'a>',
    'x'.repeat(65),
    '$(id)',
    '__proto__\0',
  ),
  ...invalid('title', '', 'a\nTask-Key: other/1', 'a\rb', 'x'.repeat(201)),
  ...invalid('description', '', 'x'.repeat(100_001), 1),
  ...invalid(
    'repo_url',
    '',
    ' https://git.example.org/x',
    'https://git.example.org/a b',
    'https://git.example.org/x\n',
    'https://user:token@git.example.org/x',
    'https://token@git.example.org/x',
    'http://:token@git.example.org/x',
    'ssh://git:password@git.example.org/x',
    'https://evil.example\\@git.example.org/x',
    '-oProxyCommand=id',
    '--upload-pack=id',
    `https://git.example.org/${'x'.repeat(2_048)}`,
    ['https://git.example.org/x'],
  ),
  ...at(
    'repo_not_allowed',
    'repo_url',
    'ext::sh',
    'ext::sh%20-c%20id',
    'fd::17',
    'file:///etc',
    'FILE:///etc',
    '/etc',
    '../x',
    'x',
    'http://git.example.org/x',
    'git://git.example.org/x',
    'ftp://git.example.org/x',
    'ftps://git.example.org/x',
    'rsync://git.example.org/x',
    'https+ext://git.example.org/x',
    'javascript:alert(1)',
    'data:text/plain,x',
    'ssh://-oProxyCommand=id/x',
    'ssh://%2doProxyCommand=id/x',
    'ssh://-oProxyCommand=id@git.example.org/x',
    'ssh://git.example.org:-oProxyCommand=id/x',
    'git@git.example.org:-x',
    '[git.example.org]:x',
    'https://evil.example/x',
    'https://git.example.org.evil.example/x',
    'https://evil.example/git.example.org/x',
    'https://evil.example#git.example.org',
    'https://evil.example?@git.example.org/',
    'https:/git.example.org/x',
    'https:///x',
    'https://127.0.0.1/x',
    'https://2130706433/x',
    'https://[::1]/x',
    'https://169.254.169.254/latest/meta-data',
    'git@evil.example:x',
    'ssh://git@evil.example/x',
    'C:/x',
    'C:\\x',
    '\\\\server\\share',
  ),
  ...invalid(
    'branch_name',
    '',
    'HEAD',
    '@',
    'refs/heads/main',
    'refs/tags/v1',
    '-d',
    '--force',
    '+main',
    'a:main',
    ':main',
    'a..b',
    'a//b',
    '/a',
    'a/',
    'a.',
    '.a',
    'a/.b',
    'a.lock',
    'a.lock/b',
    'a~1',
    'a^',
    'a?',
    'a*',
    'a[b',
    'a\\b',
    'a b',
    'a\nb',
    'a\tb',
    'a\0b',
    'a\u007fb',
    'a@{0}',
    'a\ud800',
    'x'.repeat(201),
  ).filter(([what]) => what !== 'branch_name "+main"'),
  ...at(
    'branch_not_allowed',
    'branch_name',
    'main',
    'master',
    'release/1',
    'xfeature/a',
    'feature',
    'fix/a/b',
    '+main',
    'FEATURE/a',
  ),
  ...invalid('base_branch', '--upload-pack=id', 'refs/heads/main', 'a..b', 'a b', 'HEAD'),
  ...invalid(
    'related_files',
    ['/etc/passwd'],
    ['../x'],
    ['a/../../x'],
    ['a\0'],
    Array.from({ length: 501 }, () => 'a'),
    'a',
  ),
  ...invalid(
    'setup_commands',
    [''],
    ['x'.repeat(8_193)],
    Array.from({ length: 51 }, () => 'true'),
    'true',
    [1],
  ),
  ...invalid('test_commands', [''], [{}], 'npm test'),
  ...invalid(
    'dependencies',
    ['../1'],
    Array.from({ length: 1_001 }, () => '1'),
    [1],
  ),
  ...invalid('required_skill', 'a.b', 'a>', '*', '', 'a b'),
  ...invalid('timeout_seconds', 0, -1, 86_401, 1.5, '60', 1e309),
  ...invalid('budget', { max_rounds: 0 }, { max_rounds: 21 }, { max_cost_usd: -1 }, { unlimited: true }, []),
  ...invalid('metadata', [], 'x', 1),
  ...invalid('git', { token_hosts: ['*'] }),
  ...invalid('env', { GIT_TOKEN: 'x' }),
  ['a prototype', 'invalid_task', JSON.stringify(good).replace('{', '{"__proto__": {"isAdmin": true},')],
  ['a constructor', 'invalid_task', { ...good, constructor: { prototype: { isAdmin: true } } }],
  ['a list', 'invalid_task', [good]],
  ['null', 'invalid_task', 'null'],
  ['a string', 'invalid_task', '"task"'],
  ['no JSON', 'invalid_task', 'task: 1'],
  ['JSON of 100,000 levels', 'invalid_task', '['.repeat(100_000)],
  ['bytes that are no UTF-8', 'invalid_task', Buffer.from([0x7b, 0xff, 0x7d])],
  ['nothing', 'invalid_task', ''],
];

/** How a task ends that gets no further than the door: its bytes, its schema, its destination. */
function endOf(document: unknown): string {
  const isBody = typeof document === 'string' || document instanceof Uint8Array;
  const parsed = parseTask(isBody ? document : JSON.stringify(document));
  if (parsed.kind !== 'task') return parsed.kind === 'invalid' ? 'invalid_task' : parsed.kind;
  try {
    checkDestination(parsed.task, settings);
    return 'accepted';
  } catch (error) {
    return RunnerError.from(error).code;
  }
}

describe(`[AR-1.2] each of ${tasks.length} hostile tasks ends at the door, before anybody is asked`, () => {
  const surroundings = new Surroundings();
  const before = surroundings.look();

  it.each(tasks)('%s', (_what, code, document) => {
    expect(endOf(document)).toBe(code);
    expect(surroundings.look()).toEqual(before);
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  });

  it.each([
    ['as it is', {}],
    ['ssh', { repo_url: 'ssh://git@git.example.org:22/team/x.git' }],
    ['host:path', { repo_url: 'git@git.example.org:team/x.git' }],
    ['a branch that is allowed', { branch_name: 'fix/a' }],
    ['a branch in Unicode', { branch_name: 'feature/größe' }],
  ])('[AR-1.1] an honest task beside them passes: %s', (_what, more) => {
    expect(endOf({ ...good, ...more })).toBe('accepted');
  });
});
