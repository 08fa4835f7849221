/**
 * Untrusted commands, kept from the host as far as the host allows it.
 *
 *   const sandbox = await createSandbox({ allowLowered: false });
 *   const result = await sandbox.runCommand('npm test', { workTree, network: false, timeoutMs: 60_000 });
 *   if (result.exitCode !== 0) console.log(sandbox.level, result.limitHit, result.output);
 */
export { closeInheritedDescriptors } from './close-inherited-descriptors.js';
export * from './command.js';
export { createSandbox, type Sandbox, type SandboxOptions, type SandboxRoom } from './create-sandbox.js';
export { diagnoseHost, type Lack } from './diagnose-host.js';
export { probeSandbox, type SandboxProbe } from './probe-sandbox.js';
export { connectSandbox, type RemoteSandboxOptions } from './remote/remote-sandbox.js';
export { serveSandbox, type SandboxServer, type SandboxServerOptions } from './remote/serve-sandbox.js';
export type { SetupNetwork } from './egress/open-egress.js';
export { readHostPattern } from './egress/host-pattern.js';
export { registryHosts, usualRegistries } from './egress/registries.js';
export type { Refusal } from './egress/refusals.js';
export { toolchainIdentity } from './toolchain-identity.js';
