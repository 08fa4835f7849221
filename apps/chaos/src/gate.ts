import { setTimeout as pause } from 'node:timers/promises';
import { formatPlace, serviceOf, type PlannedFault, type Place } from './fault-points.js';
import type { Ledger } from './ledger.js';
import type { PlannedRun } from './plan-runs.js';
import { Random } from './random.js';
import type { World } from './world.js';

/** Something that a task does, seen on its way. */
export interface Passage extends Place {
  /** `<spec>/<task>`. */
  readonly key: string;
  /** Whose doing it is; undefined where only the task is known. */
  readonly runner: number | undefined;
}

/** What becomes of a passage: it goes on, or it is taken away and its connection broken. */
export type Verdict = 'forward' | 'drop';

export interface GateSettings {
  readonly leaseMs: number;
}

interface Armed {
  readonly run: PlannedRun;
  readonly body: string;
  readonly random: Random;
  /** What is still to strike, in order. */
  readonly waiting: PlannedFault[];
}

/** Every passage goes through here; where a fault is planned, it strikes. */
export class Gate {
  private readonly armed = new Map<string, Armed>();
  private world: World | undefined;

  constructor(
    private readonly ledger: Ledger,
    private readonly settings: GateSettings,
    private readonly tell: (line: string) => void,
  ) {}

  /** Passages before this have nothing to strike with. */
  open(world: World): void {
    this.world = world;
  }

  arm(key: string, run: PlannedRun, body: string): void {
    const waiting = [...(run.prelude ? [run.prelude] : []), run.fault];
    this.armed.set(key, { run, body, random: new Random(run.seed), waiting });
  }

  disarm(key: string): void {
    this.armed.delete(key);
  }

  /** What strikes the task next. */
  next(key: string): PlannedFault | undefined {
    return this.armed.get(key)?.waiting[0];
  }

  async pass(passage: Passage): Promise<Verdict> {
    const { key, point, phase } = passage;
    const armed = this.armed.get(key);
    const fault = armed?.waiting[0];
    if (!armed || !this.world || fault?.point !== point || fault.phase !== phase) return 'forward';
    armed.waiting.shift();
    const { run, body, random } = armed;
    this.tell(
      `${run.seed} ${formatPlace(fault)} ${fault.kind} strikes ${key} at runner ${passage.runner ?? '?'}`,
    );
    const verdict = await this.strike(fault, passage, { world: this.world, body, random });
    const task = this.ledger.find(key);
    task?.fired.push(fault);
    this.ledger.changed(key);
    return verdict;
  }

  private async strike(
    { kind, point, phase }: PlannedFault,
    { key, runner = this.ledger.find(key)?.holder ?? 1 }: Passage,
    { world, body, random }: { world: World; body: string; random: Random },
  ): Promise<Verdict> {
    const { leaseMs } = this.settings;
    switch (kind) {
      case 'KILL':
        world.killRunner(runner);
        return 'drop';
      case 'STOP':
        await this.stopPastLease(world, key, runner, random);
        return 'forward';
      case 'DROP':
        return 'drop';
      case 'DELAY':
        await pause(random.between(leaseMs / 4, leaseMs * 2));
        return 'forward';
      case 'DUPLICATE':
        for (let copies = random.between(1, 3); copies > 0; copies -= 1) await world.publish(body);
        return 'forward';
      case 'KILL_NATS':
        world.killService('nats');
        return 'forward';
      case 'KILL_SERVICE':
        return this.killService(world, point, phase, random);
      case 'DISK_FULL':
        world.fillDisk();
        // Beside the passage, which has to meet the full disk.
        setTimeout(() => world.emptyDisk(), random.between(200, leaseMs));
        return 'forward';
    }
  }

  /**
   * Freezes the runner until the other has the task, and has come so far with it as chance will have
   * it. What it was about to say is said after that, by a runner that should be silent.
   */
  private async stopPastLease(world: World, key: string, runner: number, random: Random): Promise<void> {
    const { leaseMs } = this.settings;
    const holders = this.ledger.find(key)?.holders.length ?? 0;
    const resumeAt = random.pick(['claimed', 'decided', 'ended']);
    world.freezeRunner(runner);
    try {
      // The lease runs out, the registry notices within a second, and the other runner pulls.
      await this.ledger.until(key, (task) => task.holders.length > holders, leaseMs + 4_000);
      if (resumeAt === 'decided') await this.ledger.until(key, (task) => task.decided || task.ended, leaseMs);
      if (resumeAt === 'ended') await this.ledger.until(key, (task) => task.ended, leaseMs);
    } finally {
      world.thawRunner(runner);
    }
  }

  private killService(
    world: World,
    point: PlannedFault['point'],
    phase: Place['phase'],
    random: Random,
  ): Verdict {
    const service = serviceOf(point);
    if (!service) return 'forward';
    if (phase === 'after') {
      world.killService(service);
      return 'drop';
    }
    // Some of the calls find the service dead, others have begun when it dies.
    const afterMs = random.pick([0, random.between(1, 10), random.between(1, 60)]);
    if (afterMs === 0) world.killService(service);
    else setTimeout(() => world.killService(service), afterMs);
    return 'forward';
  }
}
