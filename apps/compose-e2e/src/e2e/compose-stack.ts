import { randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  streams,
  subjects,
  taskRegistry,
  taskResultSchema,
  type TaskKey,
  type TaskResult,
} from '@necrocode/contracts';
import { connectNats } from '@necrocode/messaging';
import { call, createClient } from '@necrocode/rpc';
import { eventually, freePort, tempDir } from '@necrocode/testkit';
import { jetstreamManager } from '@nats-io/jetstream';
import { ComposeProject, necro, provideJaeger } from './docker.js';

export interface TaskDocument extends Record<string, unknown> {
  readonly spec_name: string;
  readonly task_id: string;
}

export const secrets = { gitToken: 'e2e-git-token-4713', llmKey: 'e2e-llm-key-4714' } as const;

const taskMs = 180_000;

/** The stack of docker-compose.yml, built from this checkout, seen from this machine. */
export class ComposeStack {
  private readonly folder = tempDir('necrocode-e2e-');

  private constructor(
    readonly project: ComposeProject,
    readonly ports: Readonly<
      Record<'nats' | 'registry' | 'pool' | 'store' | 'llm' | 'git' | 'jaeger', number>
    >,
    readonly jaeger: 'jaeger' | 'stand-in',
    private readonly llmScript: string,
  ) {}

  /** Builds the images and starts everything with one runner that does one task at a time. */
  static async start(): Promise<ComposeStack> {
    const ports = {
      nats: await freePort(),
      registry: await freePort(),
      pool: await freePort(),
      store: await freePort(),
      llm: await freePort(),
      git: await freePort(),
      jaeger: await freePort(),
    };
    const folder = tempDir('necrocode-e2e-secrets-');
    // The containers' user is another one.
    chmodSync(folder, 0o755);
    const gitToken = join(folder, 'git-token');
    const llmKey = join(folder, 'llm-key');
    writeFileSync(gitToken, secrets.gitToken);
    writeFileSync(llmKey, secrets.llmKey);
    const llmScript = join(folder, 'llm-script.json');
    writeScript(llmScript, { text: 'nothing is asked yet' });
    const project = new ComposeProject(`necrocode-e2e-${randomBytes(3).toString('hex')}`, {
      NATS_PORT: String(ports.nats),
      TASK_REGISTRY_PORT: String(ports.registry),
      REPO_POOL_PORT: String(ports.pool),
      ARTIFACT_STORE_PORT: String(ports.store),
      LLM_MOCK_PORT: String(ports.llm),
      GIT_SERVER_PORT: String(ports.git),
      JAEGER_PORT: String(ports.jaeger),
      GIT_TOKEN_FILE: gitToken,
      OPENAI_API_KEY_FILE: llmKey,
      OPENAI_BASE_URL: '',
      LLM_SCRIPT: llmScript,
      RUNNER_MAX_PARALLEL: '1',
    });
    await project.compose('build');
    const image = /jaegertracing\/\S+/.exec(await project.compose('config', '--images'))?.[0];
    if (image === undefined) throw new Error('the compose file names no image of Jaeger');
    const stack = new ComposeStack(project, ports, await provideJaeger(image), llmScript);
    await project.up(1);
    return stack;
  }

  async stop(): Promise<void> {
    await this.project.down();
  }

  /** What the LLM answers every task with, also after it was started again. */
  script(entry: object): void {
    writeScript(this.llmScript, entry);
  }

  necro(...args: string[]) {
    return necro(
      args,
      {
        NATS_URL: `nats://127.0.0.1:${this.ports.nats}`,
        TASK_REGISTRY_URL: `127.0.0.1:${this.ports.registry}`,
        REPO_POOL_URL: `127.0.0.1:${this.ports.pool}`,
        ARTIFACT_STORE_URL: `127.0.0.1:${this.ports.store}`,
      },
      this.folder,
    );
  }

  async submit(task: TaskDocument, ...options: string[]): Promise<void> {
    const file = join(this.folder, `${task.spec_name}-${task.task_id}.json`);
    writeFileSync(file, JSON.stringify(task));
    const { code, stderr } = await this.necro('submit', file, ...options);
    if (code !== 0) throw new Error(`necro submit ended with ${code}: ${stderr}`);
  }

  /** The state that the registry knows; empty before it has heard of the task. */
  async state({ spec_name, task_id }: TaskDocument): Promise<string> {
    const client = createClient(taskRegistry.TaskRegistryServiceClient, `127.0.0.1:${this.ports.registry}`);
    try {
      const key: TaskKey = { specName: spec_name, taskId: task_id };
      const { task } = await call(client.getTask.bind(client), { key }, { deadlineMs: 5_000 });
      return task ? taskRegistry.TaskState[task.state].replace('TASK_STATE_', '').toLowerCase() : '';
    } catch {
      return '';
    } finally {
      client.close();
    }
  }

  async inState(task: TaskDocument, ...states: string[]): Promise<string> {
    return eventually(
      `${task.spec_name}/${task.task_id} is ${states.join(' or ')}`,
      async () => {
        const state = await this.state(task);
        return states.includes(state) ? state : undefined;
      },
      taskMs,
    );
  }

  /** All results of a task that are in the stream, once there is one. */
  async results({ spec_name, task_id }: TaskDocument): Promise<readonly TaskResult[]> {
    const connection = await connectNats({ url: `nats://127.0.0.1:${this.ports.nats}`, name: 'e2e' });
    try {
      const manager = await jetstreamManager(connection);
      const subject = subjects.result({ specName: spec_name, taskId: task_id });
      return await eventually(
        `a result of ${spec_name}/${task_id}`,
        async () => {
          const { state } = await manager.streams.info(streams.results.name, { subjects_filter: subject });
          const found: TaskResult[] = [];
          for (let seq = state.first_seq; seq <= state.last_seq; seq += 1) {
            const stored = await manager.streams.getMessage(streams.results.name, { seq });
            if (stored?.subject === subject) found.push(taskResultSchema.parse(stored.json()));
          }
          return found.length > 0 ? found : undefined;
        },
        taskMs,
      );
    } finally {
      await connection.close();
    }
  }

  /** Spans of a trace, once its root has arrived. */
  trace(traceId: string): Promise<readonly Span[]> {
    return eventually(
      `the trace ${traceId}`,
      async () => {
        const reply = await fetch(`http://127.0.0.1:${this.ports.jaeger}/api/traces/${traceId}`);
        const { data } = (await reply.json()) as { data?: readonly JaegerTrace[] };
        const spans = (data?.[0]?.spans ?? []).map((span) => ({
          name: span.operationName,
          service: data?.[0]?.processes[span.processID]?.serviceName ?? '',
          id: span.spanID,
          parent: span.references.find(({ refType }) => refType === 'CHILD_OF')?.spanID,
        }));
        return spans.some(({ name }) => name === 'task') ? spans : undefined;
      },
      60_000,
    );
  }
}

/** In place: the container has this very file mounted. */
function writeScript(file: string, entry: object): void {
  writeFileSync(file, JSON.stringify({ default: [entry] }));
}

export interface Span {
  readonly name: string;
  readonly service: string;
  readonly id: string;
  readonly parent: string | undefined;
}

interface JaegerTrace {
  readonly spans: readonly {
    readonly spanID: string;
    readonly operationName: string;
    readonly processID: string;
    readonly references: readonly { readonly refType: string; readonly spanID: string }[];
  }[];
  readonly processes: Readonly<Record<string, { readonly serviceName: string }>>;
}
