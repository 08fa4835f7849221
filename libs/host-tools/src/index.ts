/**
 * Finds the programs of the host that the product starts, or installs them where that is possible.
 *
 *   const { path } = await requireTool('nats-server');
 */
export * from './require-tool.js';
export * from './free-port.js';
