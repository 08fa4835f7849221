import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serveMetrics } from './serve-metrics.js';
import { shutdownTelemetry, startSdk } from './sdk.js';

describe('serveMetrics', () => {
  afterEach(() => shutdownTelemetry());

  it('[AR-12.3] serves what the process measures, and nothing else', async () => {
    const port = await unusedPort();
    const server = await serveMetrics(`127.0.0.1:${port}`);
    const ask = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    expect((await ask('/metrics')).status).toBe(503);
    startSdk();
    const scrape = await ask('/metrics');
    expect(scrape.status).toBe(200);
    expect(await scrape.text()).toMatch(/^process_memory_usage\{.*\} \d+$/m);
    expect((await ask('/other')).status).toBe(404);
    await server.close();
    await expect(ask('/metrics')).rejects.toThrow();
  });

  it('[AR-12.3] says so when its address is taken', async () => {
    const port = await unusedPort();
    const first = await serveMetrics(`127.0.0.1:${port}`);
    await expect(serveMetrics(`127.0.0.1:${port}`)).rejects.toThrow(/EADDRINUSE/);
    await first.close();
  });
});

async function unusedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
