// Runs inside the sandbox, in front of a command that may use the network: leads a port of the command's own
// loopback to the runner's proxy, which stands behind a Unix socket. It decides nothing; whoever goes around it
// meets the same proxy, and there is no other way out.
//
//   node egress-forwarder.mjs PORT SOCKET PROGRAM [ARGUMENT…]
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { constants } from 'node:os';

const [port, socket, program, ...args] = process.argv.slice(2);

const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
  const proxy = connect({ path: socket, allowHalfOpen: true });
  for (const [one, other] of [
    [client, proxy],
    [proxy, client],
  ]) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
  client.pipe(proxy).pipe(client);
});
server.on('error', (error) => fail(`the way to the network cannot be opened (${error.code})`));
server.listen(Number(port), '127.0.0.1', () => {
  const child = spawn(program, args, { stdio: 'inherit' });
  child.on('error', (error) => fail(`${program} cannot be started (${error.code})`));
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
});

function fail(message) {
  process.stderr.write(`sandbox: ${message}\n`);
  process.exit(126);
}
