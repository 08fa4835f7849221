/**
 * NATS JetStream: connection, streams, publishing, signs of life from a thread of their own, and the Nest
 * transport that brings tasks in.
 *
 *   const strategy = new TaskTransport({ connection, lifeSigns, queues: ['default'], ... });
 *   app.connectMicroservice({ strategy });   // then @EventPattern(taskPattern) handles tasks
 */
export * from './connect.js';
export * from './control-stream.js';
export * from './kept-headers.js';
export * from './life-signs/life-signs.js';
export type { Sign, SignAnswer } from './life-signs/sign.js';
export * from './message-size.js';
export * from './nats-trouble.js';
export * from './publish.js';
export * from './settlement.js';
export * from './streams.js';
export * from './task-message.js';
export * from './task-transport.js';
