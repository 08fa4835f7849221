import { readFile, stat } from 'node:fs/promises';
import { parseScript, type Script } from './script.js';

/** A script on disk, read again when it changes. */
export class ScriptFile {
  private version = '';
  private reading: Promise<unknown> = Promise.resolve();

  constructor(private readonly path: string) {}

  /**
   * The script, if the file changed since the last call. Calls wait for one another, so that none
   * goes on with the old script while another reads the new one.
   *
   * @throws ScriptError, once for each version of the file
   */
  changed(): Promise<Script | undefined> {
    const script = this.reading.then(() => this.readIfChanged());
    this.reading = script.catch(() => undefined);
    return script;
  }

  private async readIfChanged(): Promise<Script | undefined> {
    const { mtimeMs, size, ino } = await stat(this.path);
    const version = `${mtimeMs} ${size} ${ino}`;
    if (version === this.version) return undefined;
    this.version = version;
    return parseScript(await readFile(this.path, 'utf8'));
  }
}
