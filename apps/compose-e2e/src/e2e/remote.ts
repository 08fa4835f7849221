import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { tempDir } from '@necrocode/testkit';

const run = promisify(execFile);

/** A repository on the stack's git server, as somebody with the token sees it from this machine. */
export class Remote {
  private constructor(
    private readonly clone: string,
    /** As the runners know it. */
    readonly url: string,
    private readonly outsideUrl: string,
    private readonly token: string,
  ) {}

  static async make(
    name: string,
    server: { readonly port: number; readonly token: string },
    files: Readonly<Record<string, string>>,
  ): Promise<Remote> {
    const remote = new Remote(
      tempDir('necrocode-e2e-clone-'),
      `http://git-server:8080/${name}.git`,
      `http://127.0.0.1:${server.port}/${name}.git`,
      server.token,
    );
    await remote.git('init', '--quiet', '--initial-branch=main');
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(remote.clone, path)), { recursive: true });
      await writeFile(join(remote.clone, path), text);
      if (path.endsWith('.sh')) await chmod(join(remote.clone, path), 0o755);
    }
    await remote.git('add', '--all');
    await remote.git('commit', '--quiet', '--message=start');
    await remote.git('push', '--quiet', remote.outsideUrl, 'main');
    return remote;
  }

  /** Names of the branches at the server, and what they hold. */
  async branches(): Promise<ReadonlyMap<string, string>> {
    const lines = (await this.git('ls-remote', '--heads', this.outsideUrl)).split('\n').filter(Boolean);
    return new Map(lines.map((line) => [line.slice(line.indexOf('refs/heads/') + 11), line.slice(0, 40)]));
  }

  /** Subjects of the commits of a branch above main, and a file's text on it. */
  async look(
    branch: string,
    path: string,
  ): Promise<{ readonly subjects: readonly string[]; readonly text: string }> {
    await this.git('fetch', '--quiet', this.outsideUrl, branch);
    const subjects = (await this.git('log', '--format=%s', 'main..FETCH_HEAD')).trim().split('\n');
    return { subjects, text: await this.git('show', `FETCH_HEAD:${path}`) };
  }

  private async git(...args: string[]): Promise<string> {
    const credentials = Buffer.from(`x-access-token:${this.token}`).toString('base64');
    const { stdout } = await run(
      'git',
      ['-c', `http.extraHeader=Authorization: Basic ${credentials}`, ...args],
      {
        cwd: this.clone,
        env: {
          PATH: process.env.PATH,
          HOME: this.clone,
          GIT_CONFIG_NOSYSTEM: '1',
          ...Object.fromEntries(
            ['AUTHOR', 'COMMITTER'].flatMap((who) => [
              [`GIT_${who}_NAME`, 'e2e'],
              [`GIT_${who}_EMAIL`, 'e2e@necrocode.invalid'],
            ]),
          ),
        },
      },
    );
    return stdout;
  }
}
