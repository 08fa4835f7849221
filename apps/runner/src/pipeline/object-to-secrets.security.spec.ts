import { SpecRounds, type Turn } from './spec-rounds.js';

const secret = 'runner-s3cret/4711';
const token = ['ghp_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('');
const other = ['npm_', 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8'].join('');
const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
const signedToken = [
  encoded({ alg: 'HS256', typ: 'JWT' }),
  encoded({ sub: 'user-17', role: 'admin', iat: 1_700_000_000 }),
  'dGhpcy1zaWduYXR1cmUtaXMtbWFkZS11cA',
].join('.');

const create = (file_path: string, content: string, more: object = {}): Turn => ({
  code_changes: [{ file_path, operation: 'create', content, ...more }],
});

describe('a change that brings in a secret', () => {
  const rounds = SpecRounds.of({
    'a.txt': 'one\ntwo\n',
    'has.txt': `key = ${token}\nold\n`,
    'two.txt': 'the HEAD-TAIL of it\n',
  });
  const play = (turns: readonly [Turn, ...Turn[]], tokensInChanges: 'refuse' | 'allow' = 'refuse') =>
    rounds.play(turns, { secrets: [secret], budget: { max_rounds: turns.length }, tokensInChanges });

  it.each<[string, Turn]>([
    ['as it is', create('b.txt', secret)],
    ['in base64', create('b.txt', Buffer.from(`xx${secret}`).toString('base64'))],
    ['in base64url', create('b.txt', Buffer.from(`x${secret}yy`).toString('base64url'))],
    ['in hex', create('b.txt', Buffer.from(secret).toString('hex').toUpperCase())],
    ['URL-encoded', create('b.txt', encodeURIComponent(secret))],
    ['escaped', create('b.txt', secret.replace('/', '\\/'))],
    [
      'in binary content',
      create('b.bin', Buffer.from(`\0${secret}\0`).toString('base64'), { encoding: 'base64' }),
    ],
    ['in a name', create(`docs/${encodeURIComponent(secret)}.md`, 'x')],
    ['in the name of a directory', create(`${secret}/a.md`, 'x')],
    [
      'put together by two edits',
      {
        code_changes: [
          {
            file_path: 'two.txt',
            operation: 'modify',
            edits: [
              { search: 'HEAD-', replace: secret.slice(0, 8) },
              { search: 'TAIL', replace: secret.slice(8) },
            ],
          },
        ],
      },
    ],
    ['beside the changes', { explanation: `it is ${secret}`, ...(create('b.txt', 'x') as object) }],
  ])('[AR-10.5] is refused: one of the runner %s', async (_where, turn) => {
    const { change, error, testRuns, checkpoints, record } = await play([turn], 'allow');
    expect(change).toBeUndefined();
    expect(error).toMatchObject({ code: 'secret_in_change', reason: 'secret' });
    expect(testRuns).toBe(0);
    expect(JSON.stringify([checkpoints, record.exchanges, error?.message])).not.toContain(secret);
  });

  it('[AR-10.5] is told back, and another answer is taken', async () => {
    const played = await play([
      create('b.txt', `t = "${token}x"`),
      create('b.txt', `t = "${other}"`),
      create('b.txt', 't'),
    ]);
    expect(played.told(3)).toContain('it holds what looks like an npm token');
    expect(played.told(3)).not.toContain(other);
    expect(await played.text('b.txt')).toBe('t');
    expect(played.ended[1]).toMatchObject({ outcome: 'secret_in_change', reason_code: 'token' });
  });

  it('[AR-10.5] may keep, move and delete the tokens that the base has', async () => {
    const { error } = await play([
      {
        code_changes: [
          { file_path: 'has.txt', operation: 'rename', new_path: 'had.txt' },
          { file_path: 'c.txt', operation: 'create', content: `also ${token}` },
        ],
      },
    ]);
    expect(error).toBeUndefined();
  });

  it('[AR-10.5] passes where the settings allow tokens', async () => {
    expect((await play([create('b.txt', other)], 'allow')).error).toBeUndefined();
  });

  it.each<[string, Turn]>([
    ['a new file', create('log.md', 'Secrets are shown as [masked].\n')],
    [
      'a file that has nothing to hide',
      { code_changes: [{ file_path: 'a.txt', operation: 'modify', content: 'one [masked]\n' }] },
    ],
    ['a file with a made-up signed token', create('auth.spec.ts', `const token = '${signedToken}';\n`)],
  ])('[AR-10.5] is not seen where a mark or an example is meant: %s', async (_what, turn) => {
    expect((await play([turn])).error).toBeUndefined();
  });

  it('[AR-10.5] may not overwrite a secret by the mark that hid it', async () => {
    const whole = (content: string): Turn => ({
      code_changes: [{ file_path: 'has.txt', operation: 'modify', content }],
    });
    const edit: Turn = {
      code_changes: [
        { file_path: 'has.txt', operation: 'modify', edits: [{ search: 'old', replace: 'new' }] },
      ],
    };
    const played = await play([whole('key = [masked]\nnew\n'), edit]);
    expect(played.told(2)).toContain('"[masked]" stands for a text that you are not shown');
    expect(await played.text('has.txt')).toBe(`key = ${token}\nnew\n`);
  });
});
