import { claimRules } from './contract/claims.js';
import { dependencyRules } from './contract/dependencies.js';
import { endingRules } from './contract/endings.js';
import { fencingRules } from './contract/fencing.js';
import { repetitionRules } from './contract/repetitions.js';
import { leaseRules } from './contract/leases.js';
import { queryRules } from './contract/queries.js';
import { RegistryClient, type RegistryUnderTest } from './contract/registry-client.js';

/**
 * What every Task Registry must do, seen through gRPC alone. Tests use specs of their own, so the
 * registry need not be empty.
 *
 *   describeTaskRegistry('my registry', () => startMine());
 */
export function describeTaskRegistry(name: string, start: () => Promise<RegistryUnderTest>): void {
  describe(`Task Registry contract: ${name}`, () => {
    let registry: RegistryUnderTest;
    let client: RegistryClient;
    beforeAll(async () => {
      registry = await start();
      client = new RegistryClient(registry.address);
    });
    afterAll(async () => {
      client.close();
      await registry.stop();
    });

    describe('claims', () => claimRules(() => client));
    describe('leases', () => leaseRules(() => client));
    describe('fencing', () => fencingRules(() => client));
    describe('repetitions', () =>
      repetitionRules(
        () => client,
        () => registry,
      ));
    describe('endings', () => endingRules(() => client));
    describe('dependencies', () => dependencyRules(() => client));
    describe('queries', () =>
      queryRules(
        () => client,
        () => registry,
      ));
  });
}
