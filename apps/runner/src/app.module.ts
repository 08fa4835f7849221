import type { DynamicModule } from '@nestjs/common';
import { HealthController } from './health/health.controller.js';
import { Readiness } from './health/readiness.js';
import { pipelineServices, TaskConsumer } from './intake/task-consumer.js';
import type { Services } from './pipeline/services.js';

/** The root module: controllers, and what `runner.ts` has put together for them. */
export class AppModule {
  static with(services: Services, readiness: Readiness): DynamicModule {
    return {
      module: AppModule,
      controllers: [TaskConsumer, HealthController],
      providers: [
        { provide: pipelineServices, useValue: services },
        { provide: Readiness, useValue: readiness },
      ],
    };
  }
}
