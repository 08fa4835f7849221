import { Module, type DynamicModule } from '@nestjs/common';
import { Registry } from './registry.js';
import { TaskRegistryController } from './task-registry.controller.js';
import { UnreadableTasks } from './unreadable-tasks.js';

@Module({})
export class AppModule {
  /** The module around a registry that somebody else opens and closes. */
  static around(registry: Registry, unreadable: UnreadableTasks): DynamicModule {
    return {
      module: AppModule,
      controllers: [TaskRegistryController],
      providers: [
        { provide: Registry, useValue: registry },
        { provide: UnreadableTasks, useValue: unreadable },
      ],
    };
  }
}
