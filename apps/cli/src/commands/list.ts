import { openTaskRegistry } from '../reach/task-registry.js';
import type { ExitCode, Session } from '../session.js';
import { stateOf, type Status } from '../show/task-document.js';
import { describeLine, renderTaskList } from '../show/task-list.js';

export interface ListOptions {
  readonly state?: readonly Status[];
  readonly spec?: string;
  readonly skill?: string;
  readonly json?: boolean;
}

/** The tasks that the registry knows, in the order of their coming. */
export async function list(options: ListOptions, { endpoints, terminal }: Session): Promise<ExitCode> {
  const registry = openTaskRegistry(endpoints.taskRegistry);
  try {
    const { state = [], spec, skill } = options;
    const found = await registry.listTasks({
      states: state.map(stateOf),
      specName: spec,
      requiredSkill: skill,
    });
    const tasks = found.map(describeLine);
    if (options.json) terminal.print(JSON.stringify(tasks));
    else if (tasks.length > 0) terminal.print(renderTaskList(tasks, Date.now(), terminal));
    else terminal.note('no tasks');
    return 0;
  } finally {
    registry.close();
  }
}
