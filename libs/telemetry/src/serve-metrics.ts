import { createServer } from 'node:http';
import { metricsHandler } from './sdk.js';

export interface MetricsServer {
  close(): Promise<void>;
}

/**
 * Serves `GET /metrics` in the Prometheus text format, for a process that has no other HTTP server.
 *
 * @param address `host:port`; undefined: nothing is served
 * @throws when the address cannot be listened on
 */
export async function serveMetrics(address: string | undefined): Promise<MetricsServer> {
  if (address === undefined) return { close: () => Promise.resolve() };
  const colon = address.lastIndexOf(':');
  const [host, port] = [address.slice(0, colon), Number(address.slice(colon + 1))];
  const server = createServer((request, response) => {
    const handler = metricsHandler();
    if (request.url?.split('?')[0] !== '/metrics') response.writeHead(404).end('there is only /metrics\n');
    else if (handler) handler(request, response);
    else response.writeHead(503).end('telemetry is not started\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host.replace(/^\[(.*)\]$/, '$1'), resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
