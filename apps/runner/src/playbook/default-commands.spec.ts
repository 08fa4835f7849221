import type { Task } from '@necrocode/contracts';
import { commandsOf, type RepositoryFiles } from './default-commands.js';

const task: Task = { task_id: '1', spec_name: 's', title: 't', description: 'd', repo_url: '/r' };
const manifest = JSON.stringify({ scripts: { test: 'jest' } });

function repository(files: Record<string, string>): RepositoryFiles {
  return { paths: new Set(Object.keys(files)), read: (path) => Promise.resolve(files[path]) };
}

describe('commandsOf', () => {
  it.each([
    [
      'npm',
      { 'package.json': manifest, 'package-lock.json': '{}' },
      ['npm ci --no-audit --no-fund'],
      ['npm test'],
    ],
    ['npm', { 'package.json': manifest }, [], ['npm test']],
    [
      'pnpm',
      { 'package.json': manifest, 'pnpm-lock.yaml': '' },
      ['pnpm install --frozen-lockfile'],
      ['pnpm test'],
    ],
    [
      'yarn',
      { 'package.json': manifest, 'yarn.lock': '' },
      ['yarn install --frozen-lockfile'],
      ['yarn test'],
    ],
    ['go', { 'go.mod': '' }, ['go mod download'], ['go test ./...']],
    ['cargo', { 'Cargo.toml': '' }, ['cargo fetch'], ['cargo test --offline']],
    ['maven', { 'pom.xml': '' }, ['mvn -B -q dependency:go-offline'], ['mvn -B -o test']],
    ['dotnet', { 'src/a.csproj': '' }, ['dotnet restore'], ['dotnet test --no-restore']],
    ['make', { Makefile: 'all:\n\ntest: all\n\tcheck\n' }, [], ['make test']],
  ])('[AR-4.1] knows %s', async (name, files, setup, test) => {
    const commands = await commandsOf(task, repository(files));
    expect(commands).toEqual({ setup, test, testsFrom: name });
  });

  it('[AR-4.1] installs what an npm project without a lockfile names', async () => {
    const manifestWithNeeds = JSON.stringify({ scripts: { test: 'mocha' }, devDependencies: { mocha: '1' } });
    const commands = await commandsOf(task, repository({ 'package.json': manifestWithNeeds }));
    expect(commands.setup).toEqual(['npm install --no-package-lock --no-audit --no-fund']);
  });

  it('[AR-4.1] tells pytest from unittest', async () => {
    const pytest = repository({ 'tests/test_a.py': '', 'pyproject.toml': '[tool.pytest.ini_options]' });
    expect((await commandsOf(task, pytest)).testsFrom).toBe('pytest');
    expect((await commandsOf(task, repository({ 'tests/test_a.py': '' }))).testsFrom).toBe('unittest');
  });

  it('[AR-4.1] takes an empty list as none, and does not count the placeholder of npm init', async () => {
    const files = repository({ 'package.json': manifest });
    expect((await commandsOf({ ...task, test_commands: [], setup_commands: [] }, files)).test).toEqual([]);
    const placeholder = JSON.stringify({ scripts: { test: 'echo "Error: no test specified" && exit 1' } });
    expect((await commandsOf(task, repository({ 'package.json': placeholder }))).testsFrom).toBeNull();
  });
});
