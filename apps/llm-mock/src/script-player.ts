import type { Entry, Script } from './script.js';

/** More tasks than this have their place forgotten, oldest first, so that memory stays bounded. */
const rememberedTasks = 100_000;

/** Which entry comes next, for every task on its own. */
export class ScriptPlayer {
  private script: Script = {};
  private readonly used = new Map<string, number>();

  /** Every task starts over with the new script. */
  replace(script: Script): void {
    this.script = script;
    this.reset();
  }

  reset(): void {
    this.used.clear();
  }

  /** Each entry once, the last one from then on; undefined when the script has nothing for the task. */
  next(task: string | null): Entry | undefined {
    const key = task ?? '';
    const tasks = this.script.tasks ?? {};
    const entries = Object.hasOwn(tasks, key) ? tasks[key] : this.script.default;
    if (!entries) return undefined;
    const used = this.used.get(key) ?? 0;
    this.used.set(key, used + 1);
    if (this.used.size > rememberedTasks) this.used.delete(this.used.keys().next().value ?? '');
    return entries[Math.min(used, entries.length - 1)];
  }
}
