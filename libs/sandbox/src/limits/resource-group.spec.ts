import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findGroupPlace } from './find-groups.js';
import { directoriesOf, groupPrefix, openResourceGroup } from './resource-group.js';

const place = findGroupPlace();

/** Only root, or who was given a group of its own, can make groups. */
(place ? describe : describe.skip)('a control group', () => {
  it('[AR-11.3] holds its processes, ends them, and is gone afterwards', async () => {
    if (!place) return;
    const group = openResourceGroup(place, { memoryMb: 64, processes: 8, cpus: 0.5 });
    const script = 'for file; do echo 0 > "$file"; done; echo joined; sleep 600';
    const child = spawn('/bin/sh', ['-c', script, 'sh', ...group.joinFiles], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    for (const file of group.joinFiles) expect(readFileSync(file, 'utf8')).toContain(`${child.pid}\n`);
    expect(group.reached()).toBeUndefined();
    const exit = once(child, 'exit');
    await group.remove();
    expect((await exit)[1]).toBe('SIGKILL');
    for (const file of group.joinFiles) expect(existsSync(dirname(file))).toBe(false);
  });

  it('[AR-10.3] that a killed runner has left is removed by the next one', () => {
    const [directory = ''] = place ? directoriesOf(place) : [];
    // No process has a number beyond the kernel's largest.
    const left = join(directory, `${groupPrefix}4194305-1`);
    mkdirSync(left);
    findGroupPlace();
    expect(existsSync(left)).toBe(false);
  });

  it('[AR-9.2] is not looked for where there is none', () => {
    expect(findGroupPlace('/nonexistent')).toBeUndefined();
  });
});
