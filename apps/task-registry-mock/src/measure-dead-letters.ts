import { streams } from '@necrocode/contracts';
import type { NatsConnection } from '@necrocode/messaging';
import { gauges } from '@necrocode/telemetry';
import { jetstreamManager } from '@nats-io/jetstream';

/** A scrape does not wait longer. */
const answerMs = 2_000;

/** Reports the dead letters as a metric: those of runners as well, which do not pass the registry. */
export function measureDeadLetters(connection: NatsConnection, isOnline: () => boolean): void {
  gauges('necrocode.registry.dead_letters', 'Messages that nobody can work on', '{message}', async () => {
    if (!isOnline()) return [];
    const manager = await jetstreamManager(connection, { checkAPI: false, timeout: answerMs });
    const { state } = await manager.streams.info(streams.dead.name);
    return [{ value: state.messages, attributes: {} }];
  });
}
