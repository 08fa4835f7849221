import type { INestMicroservice } from '@nestjs/common';
import { Controller, Module } from '@nestjs/common';
import { GrpcMethod } from '@nestjs/microservices';
import { taskRegistry } from '@necrocode/contracts';
import { freePort, tempDir } from '@necrocode/testkit';
import { join } from 'node:path';
import { call, createClient, DurableStore, serveGrpc } from './index.js';

const store = new DurableStore(join(tempDir(), 'full.db'), ['CREATE TABLE notes (text BLOB) STRICT']);
store.db.exec('PRAGMA max_page_count = 16');

@Controller()
class Notes {
  @GrpcMethod('TaskRegistryService', 'unparkTask')
  write(): taskRegistry.UnparkTaskResponse {
    store.transaction(() => store.db.prepare('INSERT INTO notes VALUES (?)').run(new Uint8Array(1 << 20)));
    return { state: taskRegistry.TaskState.TASK_STATE_READY };
  }
}

@Module({ controllers: [Notes] })
class NotesModule {}

describe('a service whose disk is full', () => {
  let app: INestMicroservice;
  let address: string;

  beforeAll(async () => {
    address = `127.0.0.1:${await freePort()}`;
    app = await serveGrpc({
      module: NotesModule,
      name: 'necrocode.task_registry.v1.TaskRegistryService',
      definition: taskRegistry.TaskRegistryServiceService,
      address,
    });
  });
  afterAll(async () => {
    await app.close();
    store.close();
  });

  it('[AR-15.4] asks to be called again, and can go on when there is room', async () => {
    const client = createClient(taskRegistry.TaskRegistryServiceClient, address);
    const options = { deadlineMs: 5_000, retries: 0 };
    const write = () => call(client.unparkTask.bind(client), { idempotencyKey: '', key: undefined }, options);
    await expect(write()).rejects.toMatchObject({ code: 14, details: 'the disk of the service is full' });
    store.db.exec('PRAGMA max_page_count = 100000');
    expect((await write()).state).toBe(taskRegistry.TaskState.TASK_STATE_READY);
    client.close();
  });
});
