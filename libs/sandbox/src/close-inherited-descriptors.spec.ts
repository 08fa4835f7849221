import { transform } from '@swc/core';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What a command sees that is started by a program which was given two directories at the start. */
async function seenByCommand(atStart: string): Promise<string[]> {
  const source = await readFile(join(import.meta.dirname, 'close-inherited-descriptors.ts'), 'utf8');
  const { code } = await transform(source, {
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'es6' },
  });
  const program = `${code}
    import { spawnSync } from 'node:child_process';
    ${atStart}
    process.stdout.write(spawnSync('readlink', ['/proc/self/fd/40', '/proc/self/fd/41']).stdout);`;
  // Node keeps the first sixteen to itself.
  const none = Array.from({ length: 37 }, () => 'ignore' as const);
  const given = [openSync('/etc', 'r'), openSync('/usr', 'r')];
  try {
    const args = ['--input-type=module', '-e', program];
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      stdio: ['ignore', 'pipe', 'pipe', ...none, ...given],
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    return stdout.split('\n').filter(Boolean);
  } finally {
    given.forEach(closeSync);
  }
}

const onLinux = process.platform === 'linux' ? it : it.skip;

onLinux('[AR-10.4] commands are given nothing that their program was given', async () => {
  expect(await seenByCommand('')).toEqual(['/etc', '/usr']);
  expect(await seenByCommand('closeInheritedDescriptors();')).toEqual([]);
});
