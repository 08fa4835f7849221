import type { Change } from '@necrocode/contracts';
import { createScriptedClient } from '@necrocode/llm';
import { emptyCheckpoint } from './checkpoint.js';
import { SpecRounds, type Turn } from './spec-rounds.js';

const rounds = SpecRounds.of({
  'src/answer.txt': '41\n',
  'src/other.txt': 'other\n',
  'logo.png': Buffer.from([0, 1, 2]),
});

const write = (content: string, path = 'src/answer.txt'): Change => ({
  file_path: path,
  operation: 'modify',
  content,
});
const edit = (search: string, replace: string, path = 'src/answer.txt'): Change => ({
  file_path: path,
  operation: 'modify',
  edits: [{ search, replace }],
});
const answer = (...code_changes: Change[]) => ({ code_changes });
const right = answer(write('42\n'));
const isRight = 'echo "the answer is $(cat src/answer.txt)"; test "$(cat src/answer.txt)" = 42';

const again = '\n\nAnswer again with one JSON object of the asked-for form.';

describe('an answer that cannot be used', () => {
  const missing = 'the file does not exist; similar paths: "src/answer.txt"';
  it.each<[string, Turn, string, string | undefined, string]>([
    [
      'prose',
      'I would change the answer.',
      'change_unparsable',
      'not_json',
      'Your answer is not the asked-for JSON object (no JSON found; it begins with "I would change the answer.").',
    ],
    [
      'cut off by the endpoint',
      { text: '{"code_changes": [\n{"file_path": "a', finishReason: 'length' },
      'change_unparsable',
      'cut_off',
      'Your answer was cut off (it reached the length limit at line 2, column 17, behind "{\\"file_path\\": \\"a"). Answer with fewer or smaller changes; use edits instead of whole files.',
    ],
    [
      'cut off in the text',
      '{"code_changes": [\n  {"file_path": "a',
      'change_unparsable',
      'cut_off',
      'Your answer was cut off (the string that begins at line 2, column 17 has no end). Answer with fewer or smaller changes; use edits instead of whole files.',
    ],
    [
      'of the wrong shape',
      { code_changes: [{ operation: 'modify' }] } as unknown as Turn,
      'change_unparsable',
      'wrong_shape',
      'Your answer is not of the asked-for form: code_changes.0.file_path: required, but missing',
    ],
    ['empty', ' \n', 'change_unparsable', 'empty', 'Your answer was empty.'],
    ['an empty change set', answer(), 'change_without_effect', undefined, 'Your answer holds no changes.'],
    [
      'without effect',
      answer(write('41\n')),
      'change_without_effect',
      undefined,
      'Your changes have no effect: the files are already like that.',
    ],
    [
      'about an unknown file',
      answer(write('x', 'lib/answer.txt')),
      'change_refused',
      'missing',
      `- change 1 (modify "lib/answer.txt"): ${missing}`,
    ],
    [
      'about a path outside',
      answer({ file_path: '../x', operation: 'create', content: '' }),
      'change_refused',
      'bad_path',
      '- change 1 (create "../x"): the path contains ".."',
    ],
    [
      'about a directory',
      answer(write('x', 'src')),
      'change_refused',
      'not_a_file',
      '- change 1 (modify "src"): this is a directory; name its files, one change for each',
    ],
  ])(
    '[AR-3.7] is told back with the reason and the place, then fails: %s',
    async (_what, turn, code, reasonCode, reason) => {
      const played = await rounds.play([turn, right], { test: isRight });
      expect(played.told(2)).toBe(`Nothing of your answer was applied:\n${reason}${again}`);
      expect(played.record.rounds).toBe(2);
      expect(await played.text('src/answer.txt')).toBe('42\n');

      const failed = await rounds.play([turn], { test: isRight });
      const message = `${reasonCode === undefined ? '' : `${reasonCode}: `}${reason}`;
      expect(failed.error).toMatchObject({ code, reason: reasonCode });
      expect(failed.error?.message).toContain(message);
      expect(failed.ended.map((round) => [round['outcome'], round['reason_code']])).toEqual(
        Array.from({ length: 3 }, () => [code, reasonCode]),
      );
      expect(failed.client.requests).toHaveLength(3);
      expect(failed.testRuns).toBe(0);
    },
  );
});

describe('an answer that was given before', () => {
  it('[AR-3.7] is said to be the same, with the reason again', async () => {
    const twice = answer(edit('fourty', '42'));
    const sameChanges = { code_changes: twice.code_changes, explanation: 'Now it is right.' };
    const played = await rounds.play([twice, sameChanges, right], { test: isRight });
    const reason =
      /Nothing of your answer was applied:\n- change 1 \(modify "src\/answer.txt"\): the search text/;
    expect(played.told(2)).toMatch(reason);
    expect(played.told(2)).not.toContain('same answer');
    expect(played.told(3)).toMatch(reason);
    expect(played.told(3)).toMatch(/^This is the same answer as in round 1, which was refused\. /);
    expect(played.told(3)).toContain('Your next answer must be different.');
    expect(played.ended).toMatchObject([
      { outcome: 'change_refused' },
      { outcome: 'change_refused', same_as_round: 1 },
      { outcome: 'passed' },
    ]);
    expect(played.ended[0]).not.toHaveProperty('same_as_round');
  });

  it('[AR-3.7] is said to be the same when it cannot be read', async () => {
    const played = await rounds.play(['No.', 'Well.', 'No.\n'], { budget: { max_rounds: 4 } });
    expect(played.told(3)).not.toContain('same answer');
    expect(played.told(4)).toMatch(
      /^This is the same answer as in round 1, which could not be read\. Nothing/,
    );
    expect(played.error?.message).toMatch(/the same answer as in round 1/);
  });

  it('[AR-4.4] is not tested again: the evidence is told once more', async () => {
    const played = await rounds.play([answer(write('43\n'))], { test: isRight });
    expect(played.error).toMatchObject({ code: 'tests_failed' });
    expect(played.error?.message).toContain('the same answer as in round 1, not tested again');
    expect(played.record.rounds).toBe(3);
    expect(played.testRuns).toBe(1);
    expect(played.told(3)).toMatch(
      /^This is the same answer as in round 1, with which the tests failed\.[^]*the answer is 43[^]*must be different/,
    );
    expect(played.ended).toMatchObject([{}, { same_as_round: 1 }, { same_as_round: 1 }]);
  });

  it('[AR-4.4] is not tested again when other words lead to the same files', async () => {
    const played = await rounds.play(
      [answer(write('43\n')), answer(write('44\n')), answer(edit('44', '43')), right],
      { test: isRight, budget: { max_rounds: 4 } },
    );
    expect(played.testRuns).toBe(3);
    expect(played.told(4)).toMatch(
      /^Your answer leads to the same files as in round 1, with which the tests failed\.[^]*the answer is 43/,
    );
    expect(played.change).toBeDefined();
  });

  it('[AR-3.3] does not apply twice what would fit twice', async () => {
    const adding = answer(edit('4', '4x'));
    const played = await rounds.play([adding, answer(edit('4x1', '4x1y')), answer(edit('4x1', '4x1y'))], {
      test: isRight,
    });
    expect(await played.text('src/answer.txt')).toBe('4x1y\n');
    expect(played.testRuns).toBe(2);
  });

  it('[AR-3.3] counts anew once the files have changed in between', async () => {
    const early = answer(edit('43', '42'));
    const played = await rounds.play([early, answer(write('43\n')), early], { test: isRight });
    expect(played.change).toBeDefined();
    expect(await played.text('src/answer.txt')).toBe('42\n');
  });

  it('[AR-3.7] tells that everything was undone', async () => {
    const played = await rounds.play([answer(write('43\n')), answer(write('41\n'))], { test: isRight });
    expect(played.told(3)).toBe(
      `Your answer was applied, but there is nothing left to commit:\nIt undoes everything that was changed before, and the files are those of the base again.${again}`,
    );
  });
});

describe('files that the model asks for', () => {
  const asking = (...needs_files: string[]) => ({ code_changes: [], needs_files });
  const hidden = SpecRounds.of({
    'a.txt': 'text of a\n',
    'yarn.lock': 'text of the lock\n',
    '.env': 'TOKEN=x',
    'logo.png': Buffer.from([0, 1, 2]),
    'src/b.txt': 'text of b\n',
  });

  it('[AR-3.1] are shown when they are not in the conversation, and only then', async () => {
    const played = await hidden.play([
      asking('yarn.lock', 'a.txt'),
      asking('yarn.lock'),
      answer({ file_path: 'n', operation: 'create', content: '' }),
    ]);
    expect(played.told(2)).toBe(
      'The files that you asked for:\n<file path="yarn.lock">\ntext of the lock\n\n</file>\n\nNot shown:\n' +
        '- "a.txt" has been shown to you already; it has not changed\n\nNow answer with your changes.',
    );
    expect(played.told(3)).toBe(
      'None of the files that you asked for is shown here.\n\nNot shown:\n' +
        '- "yarn.lock" has been shown to you already; it has not changed\n\nNow answer with your changes.',
    );
    expect(played.record.rounds).toBe(1);
  });

  it('[AR-3.1] are said to be missing, secret, binary or a directory', async () => {
    const played = await hidden.play([
      asking('no/such.txt', 'no/logo.jpg', '.env', 'logo.png', 'src'),
      right,
    ]);
    expect(played.told(2)).toContain(
      [
        'Not shown:',
        '- "no/such.txt" does not exist',
        '- "no/logo.jpg" does not exist; similar paths: "logo.png"',
        '- ".env" is not shown: its name is one of those that hold secrets',
        '- "logo.png" is not shown: it is binary',
        '- "src" is a directory; ask for its files',
      ].join('\n'),
    );
  });

  it('[AR-10.5] are shown without their tokens, and not when .gitignore names them, asked for or edited', async () => {
    const token = `ghp_${'a1B2c3D4'.repeat(5)}`;
    const secretive = SpecRounds.of({
      ...{ '.gitignore': 'ignored.txt\n', 'ignored.txt': 'kept by mistake\n' },
      ...{ 'token.txt': `${token}\n`, 'src/answer.txt': '41\n' },
    });
    const wrong = answer(edit('no such text', 'x', 'ignored.txt'), edit('no such text', 'x', 'token.txt'));
    const played = await secretive.play([asking('ignored.txt', 'token.txt'), wrong, right], {
      test: isRight,
    });
    expect(played.told(2)).toContain('- "ignored.txt" is not shown: .gitignore names it');
    expect(played.told(1)).toContain('[masked]\n');
    expect(played.told(3)).toContain('change 1 (modify "ignored.txt")');
    expect(played.told(3)).not.toContain('kept by mistake');
    expect(JSON.stringify(played.client.requests)).not.toContain(token);
    expect(await played.text('src/answer.txt')).toBe('42\n');
  });

  it('[AR-3.1] are shown three times at most, then the task fails', async () => {
    const played = await hidden.play([asking('yarn.lock')], { budget: { max_rounds: 2 } });
    expect(played.client.requests).toHaveLength(5);
    expect(played.told(5)).toMatch(/^You have asked for files 3 times already, and no more are shown\./);
    expect(played.error).toMatchObject({ code: 'change_unparsable' });
    expect(played.error?.message).toContain('asked for files more than 3 times');
  });
});

describe('the form blocks', () => {
  const open = SpecRounds.of({ 'open.txt': 'one\nlast' });
  const blocks = (search: string, replace: string) =>
    `<<<< edit open.txt\n${search}\n====\n${replace}\n>>>>\n<<<< end\n`;

  it.each([
    ['a line that stays the last', blocks('last', 'new'), 'one\nnew'],
    ['several lines', blocks('one\nlast', 'two\nnew'), 'two\nnew'],
    ['more lines behind it', blocks('last', 'last\nmore'), 'one\nlast\nmore'],
    ['an empty line behind it', blocks('last', 'last\n'), 'one\nlast\n'],
    [
      'a final newline, asked for by name',
      '<<<< edit open.txt\nlast\n==== no-newline\nlast\n>>>>\n<<<< end\n',
      'one\nlast\n',
    ],
  ])('[AR-3.3] edits the end of a file without final newline: %s', async (_what, text, expected) => {
    const played = await open.play([text], { format: 'blocks' });
    expect(await played.text('open.txt')).toBe(expected);
  });
});

describe('budgets', () => {
  const wrong = answer(write('43\n'));
  const usage = { inputTokens: 600, cachedTokens: 0, outputTokens: 400 };

  it.each([
    ['max_llm_calls', { max_llm_calls: 1 }, 'max_llm_calls: 1 of 1 calls of the model are used'],
    ['max_tokens', { max_tokens: 1_000 }, 'max_tokens: 1000 of 1000 tokens are used'],
  ])(
    '[AR-16.4] %s ends the rounds before the next call, naming limit and use',
    async (_name, budget, message) => {
      const turn = { text: JSON.stringify(wrong), usage };
      const played = await rounds.play([turn], { test: isRight, task: { budget } });
      expect(played.error).toMatchObject({ code: 'budget_exceeded', message });
      expect(played.client.requests).toHaveLength(1);
      // The answer that was paid for was used.
      expect(played.testRuns).toBe(1);
    },
  );

  it('[AR-16.4] max_seconds counts what earlier attempts used, and not again what is repeated', async () => {
    const before = await rounds.play([wrong], { test: isRight, budget: { max_rounds: 2 } });
    const [first, second] = before.checkpoints.map(({ rounds_seconds }) => rounds_seconds ?? 0);
    expect(first).toBeGreaterThan(0);
    expect(second).toBeGreaterThan(first ?? Infinity);

    const used = { ...emptyCheckpoint, ...before.checkpoints[0], rounds_seconds: 100 };
    const played = await rounds.play([right], {
      test: isRight,
      task: { budget: { max_seconds: 100 } },
      checkpoint: used,
    });
    expect(played.error).toMatchObject({ code: 'budget_exceeded' });
    expect(played.error?.message).toMatch(/^max_seconds: 100(\.\d+)? of 100 s have passed in the rounds$/);
    expect(played.testRuns).toBe(1);
    expect(played.client.requests).toHaveLength(0);

    const more = await rounds.play([right], {
      test: isRight,
      task: { budget: { max_seconds: 1_000 } },
      checkpoint: used,
    });
    expect(more.change).toBeDefined();
    expect(more.checkpoints[0]?.rounds_seconds).toBeGreaterThan(100);
  });

  it('[AR-16.4] an answer that is paid for is used, whatever the budget says meanwhile', async () => {
    const before = await rounds.play([wrong, right], { test: isRight });
    expect(before.client.requests).toHaveLength(2);
    const played = await rounds.play([wrong], {
      test: isRight,
      budget: { max_llm_calls: 1, max_tokens: 1 },
      checkpoint: before.checkpoints.at(-1) ?? emptyCheckpoint,
    });
    expect(played.error).toBeUndefined();
    expect(played.client.requests).toHaveLength(0);
    expect(await played.text('src/answer.txt')).toBe('42\n');
    expect(played.record.exchanges).toEqual(
      before.record.exchanges.map((exchange) => ({ ...exchange, replayed: true })),
    );
  });

  it.each([
    ['the last of them', 1],
    ['any', 0],
  ])('[AR-16.4] stored answers are used although no checkpoint came to name %s', async (_which, named) => {
    const before = await rounds.play([wrong, right], { test: isRight });
    const checkpoint = before.checkpoints[named - 1] ?? { ...emptyCheckpoint };
    const played = await rounds.play([wrong], { test: isRight, attempt: 2, checkpoint });
    expect(played.client.requests).toHaveLength(0);
    expect(await played.text('src/answer.txt')).toBe('42\n');
    expect(played.record.usage).toEqual(before.record.usage);
  });

  it('[AR-16.4] max_cost_usd is said not to be enforced for a model without a price', async () => {
    const played = await rounds.play([wrong], { test: isRight, task: { budget: { max_cost_usd: 1 } } });
    expect(played.error).toMatchObject({ code: 'tests_failed' });
    expect(played.record.warnings).toEqual([
      `max_cost_usd is not enforced: the price of ${createScriptedClient([{ text: '' }]).model} is not known`,
    ]);
  });
});
