import { freePort, startNats, tempDir } from '@necrocode/testkit';
import { describeTaskRegistry } from './task-registry.contract.js';
import { readSettings } from './settings.js';
import { startTaskRegistry } from './start-task-registry.js';

describeTaskRegistry('this one', async () => {
  const nats = await startNats();
  const settings = readSettings({
    LISTEN_ADDRESS: `127.0.0.1:${await freePort()}`,
    DATA_DIR: tempDir(),
    NATS_URL: nats.url,
    LOG_LEVEL: 'silent',
  });
  let running = await startTaskRegistry(settings);
  return {
    address: running.address,
    restart: async () => {
      await running.close();
      running = await startTaskRegistry(settings);
    },
    stop: async () => {
      await running.close();
      await nats.stop();
    },
  };
});
