import { Controller, Inject } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { headers } from '@necrocode/contracts';
import { taskPattern, type Settlement, type TaskMessageContext } from '@necrocode/messaging';
import { contextFromHeaders, flushTelemetry, SpanKind, withSpan } from '@necrocode/telemetry';
import { runTask } from '../pipeline/run-task.js';
import type { Services } from '../pipeline/services.js';
import { LastResort } from './last-resort.js';
import { settle } from './settle.js';

/** Telemetry that nobody takes in time holds up no acknowledgement. */
const flushDeadlineMs = 2_000;

/** Token under which the pipeline's services are provided. */
export const pipelineServices = Symbol('pipeline services');

/** Where messages come in: one span from here to the settlement, child of the publisher's and sent before the latter. */
@Controller()
export class TaskConsumer {
  private readonly lastResort: LastResort;

  constructor(@Inject(pipelineServices) private readonly services: Services) {
    this.lastResort = new LastResort(services);
  }

  @EventPattern(taskPattern)
  async handle(@Payload() body: Uint8Array, @Ctx() received: unknown): Promise<Settlement> {
    const settlement = await this.settleTask(body, received as TaskMessageContext);
    await flushTelemetry(flushDeadlineMs);
    return settlement;
  }

  private settleTask(body: Uint8Array, context: TaskMessageContext): Promise<Settlement> {
    const { subject, place, delivery, life } = context;
    const attributes = {
      'messaging.system': 'nats',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': subject,
      'messaging.message.id': context.header(headers.msgId) ?? String(delivery.streamSequence),
      'necrocode.queue': place.queue,
      'necrocode.priority': place.priority,
      'necrocode.delivery': delivery.deliveries,
    };
    const parent = contextFromHeaders((name) => context.header(name));
    return withSpan('task', { kind: SpanKind.CONSUMER, parent, attributes }, async (span) => {
      const { streamSequence, storedAt, deliveries } = delivery;
      const delivered = {
        body,
        place,
        subject,
        // Publishers' own ids may come again, and sequences begin anew with another stream.
        messageId: `${streamSequence}-${storedAt.getTime()}`,
        headers: context.keptHeaders,
        deliveries,
        publishedAt: storedAt,
        life,
      };
      const handled = await runTask(delivered, this.services).catch((error: unknown) =>
        this.lastResort.judge(delivered, error),
      );
      const settlement = settle(handled);
      span.setAttribute('necrocode.settlement', settlement.kind);
      return settlement;
    });
  }
}
