import { branchAllowed } from './branch-patterns.js';

describe('branchAllowed', () => {
  it.each([
    ['feature/task-a-1', '**', true],
    ['feature/task-a-1', 'feature/**', true],
    ['feature/a/b', 'feature/*', false],
    ['feature/a', 'feature/*', true],
    ['feature', 'feature/**', false],
    ['main', 'feature/**', false],
    ['xfeature/a', 'feature/**', false],
    ['a+b', 'a+b', true],
    ['aab', 'a+b', false],
    ['releaseX1', 'release.1', false],
    ['ünï/🧟', 'ünï/*', true],
  ])('[AR-10.2] judges %s by %s', (branch, pattern, allowed) => {
    expect(branchAllowed(branch, [pattern])).toBe(allowed);
  });

  it('[AR-10.2] allows nothing without a pattern', () => {
    expect(branchAllowed('a', [])).toBe(false);
  });
});
