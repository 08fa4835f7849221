/**
 * NATS JetStream: connection, streams, publishing, and the Nest transport that brings tasks in.
 *
 *   const strategy = new TaskTransport({ connection, queues: ['default'], maxParallel: 4, ... });
 *   app.connectMicroservice({ strategy });   // then @EventPattern(taskPattern) handles tasks
 */
export * from './connect.js';
export * from './publish.js';
export * from './settlement.js';
export * from './streams.js';
export * from './task-message.js';
export * from './task-transport.js';
