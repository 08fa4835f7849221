import { placeOfSubject, defaultPlace, type QueuePlace } from '@necrocode/contracts';
import { BaseRpcContext } from '@nestjs/microservices';
import type { Life } from './life-signs/life-signs.js';
import type { Delivery, PulledMessage } from './pulled-message.js';

/** What a handler knows of the message beside its bytes. */
export class TaskMessageContext extends BaseRpcContext<[PulledMessage, Life]> {
  private get message(): PulledMessage {
    return this.getArgByIndex(0) as PulledMessage;
  }

  get subject(): string {
    return this.message.subject;
  }

  get place(): QueuePlace {
    return placeOfSubject(this.message.subject) ?? defaultPlace;
  }

  get delivery(): Delivery {
    return this.message.delivery;
  }

  /** Keeps the message from being delivered again; whoever handles it sets its deadlines. */
  get life(): Life {
    return this.getArgByIndex(1) as Life;
  }

  /** Those of the publisher alone. */
  get keptHeaders(): Record<string, string> {
    return this.message.keptHeaders;
  }

  header(name: string): string | undefined {
    return this.message.header(name);
  }
}
