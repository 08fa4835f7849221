import { Controller, Inject } from '@nestjs/common';
import { Ctx, EventPattern, Payload } from '@nestjs/microservices';
import { headers } from '@necrocode/contracts';
import { taskPattern, type Settlement, type TaskMessageContext } from '@necrocode/messaging';
import { contextFromHeaders, SpanKind, withSpan } from '@necrocode/telemetry';
import { runTask } from '../pipeline/run-task.js';
import type { Services } from '../pipeline/services.js';
import { settle } from './settle.js';

/** Token under which the pipeline's services are provided. */
export const pipelineServices = Symbol('pipeline services');

/** Where messages come in: one span from here to the settlement, child of the publisher's. */
@Controller()
export class TaskConsumer {
  constructor(@Inject(pipelineServices) private readonly services: Services) {}

  @EventPattern(taskPattern)
  handle(@Payload() body: Uint8Array, @Ctx() received: unknown): Promise<Settlement> {
    const context = received as TaskMessageContext;
    const { subject, place, delivery, life } = context;
    const attributes = {
      'messaging.system': 'nats',
      'messaging.operation.type': 'process',
      'messaging.destination.name': subject,
      'necrocode.delivery': delivery.deliveries,
    };
    const parent = contextFromHeaders((name) => context.header(name));
    return withSpan('task', { kind: SpanKind.CONSUMER, parent, attributes }, async (span) => {
      const handled = await runTask(
        {
          body,
          place,
          subject,
          messageId: context.header(headers.msgId) ?? String(delivery.streamSequence),
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
