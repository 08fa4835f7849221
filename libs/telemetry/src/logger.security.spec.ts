import { createLogger } from './logger.js';
import { createMask } from './masking/index.js';

describe('a log line', () => {
  const lines: string[] = [];
  const log = createLogger({
    name: 'spec',
    mask: createMask(['secret-4711']),
    write: (line) => lines.push(line),
  });

  it('[AR-10.3] is one line of JSON without commands to a terminal, whatever it quotes', () => {
    const hostile = 'x\n{"level":"info","msg":"forged"}\r\u001b[2J\u009b1A\u202e\u2028\u0007';
    log.info({ text: hostile, [hostile]: true, error: new Error(hostile) }, hostile);
    const [line = ''] = lines.splice(0);
    expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/);
    expect(JSON.parse(line)).toMatchObject({ text: hostile, msg: hostile });
  });

  it('[AR-10.5] holds no secret, in messages, names, errors, stacks and causes neither', () => {
    const error = new Error('says secret-4711', { cause: new Error('because of secret-4711') });
    log.error({ error, err: error, 'secret-4711': { deep: ['secret-4711'] } }, 'secret-4711');
    expect(lines.join('')).toContain('[masked]');
    expect(lines.join('')).not.toContain('4711');
  });
});
