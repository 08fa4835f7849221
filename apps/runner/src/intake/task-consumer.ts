import { Controller, Inject } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { headers } from '@necrocode/contracts';
import { taskPattern, type Settlement, type TaskMessageContext } from '@necrocode/messaging';
import { contextFromHeaders, flushTelemetry, SpanKind, withSpan } from '@necrocode/telemetry';
import { runTask } from '../pipeline/run-task.js';
import type { Services } from '../pipeline/services.js';
import { settle } from './settle.js';

/** Telemetry that nobody takes in time holds up no acknowledgement. */
const flushDeadlineMs = 2_000;

/** Token under which the pipeline's services are provided. */
export const pipelineServices = Symbol('pipeline services');

/** Where messages come in: one span from here to the settlement, child of the publisher's and sent before the latter. */
@Controller()
export class TaskConsumer {
  constructor(@Inject(pipelineServices) private readonly services: Services) {}

  @EventPattern(taskPattern)
  async handle(@Payload() body: Uint8Array, @Ctx() received: unknown): Promise<Settlement> {
    const settlement = await this.settleTask(body, received as TaskMessageContext);
    await flushTelemetry(flushDeadlineMs);
    return settlement;
  }

  private settleTask(body: Uint8Array, context: TaskMessageContext): Promise<Settlement> {
    const { subject, place, delivery, life } = context;
    const messageId = context.header(headers.msgId) ?? String(delivery.streamSequence);
    const attributes = {
      'messaging.system': 'nats',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': subject,
      'messaging.message.id': messageId,
      'necrocode.queue': place.queue,
      'necrocode.priority': place.priority,
      'necrocode.delivery': delivery.deliveries,
    };
    const parent = contextFromHeaders((name) => context.header(name));
    return withSpan('task', { kind: SpanKind.CONSUMER, parent, attributes }, async (span) => {
      const handled = await runTask(
        {
          body,
          place,
          subject,
          messageId,
          deliveries: delivery.deliveries,
          publishedAt: delivery.storedAt,
          life,
        },
        this.services,
      );
      const settlement = settle(handled);
      span.setAttribute('necrocode.settlement', settlement.kind);
      return settlement;
    });
  }
}
