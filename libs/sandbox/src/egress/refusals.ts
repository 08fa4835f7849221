import type { Destination } from './judge-destination.js';

/** A place that a command was not let to. */
export interface Refusal {
  /** `host:port` */
  readonly destination: string;
  /** One sentence, with the setting that would allow it. */
  readonly text: string;
  readonly count: number;
}

/** A command may try very many; beyond this they are only counted. */
const mostRemembered = 50;
const mostNameCharacters = 120;

/** What a command was refused, each place once. */
export class Refusals {
  private readonly byDestination = new Map<string, Refusal>();
  private others = 0;

  /** @param tell hears of each place when it is refused for the first time */
  constructor(private readonly tell: (text: string) => void) {}

  /** @returns the words for whoever asked */
  add({ host, port }: Destination, why: string): string {
    const destination = `${host.slice(0, mostNameCharacters)}:${port}`;
    const earlier = this.byDestination.get(destination);
    const text = `setup may not reach ${destination}: ${why}. The setting sandbox.setup_network.hosts of the runner names what it may reach.`;
    if (!earlier && this.byDestination.size >= mostRemembered) {
      this.others += 1;
      return text;
    }
    this.byDestination.set(destination, { destination, text, count: (earlier?.count ?? 0) + 1 });
    if (!earlier) this.tell(text);
    return text;
  }

  get list(): readonly Refusal[] {
    const listed = [...this.byDestination.values()];
    if (this.others === 0) return listed;
    return [
      ...listed,
      { destination: 'others', text: `${this.others} more were refused.`, count: this.others },
    ];
  }
}
