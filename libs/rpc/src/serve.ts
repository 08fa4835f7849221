import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ServerCredentials, type Server, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import type { DynamicModule, INestMicroservice, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport, type MicroserviceOptions } from '@nestjs/microservices';
import { faultInjection, type ServerTls } from '@necrocode/contracts';
import { HealthImplementation } from 'grpc-health-check';
import { FaultInjectionController, FaultInterceptor } from './faults.js';
import { messageLimitsOf } from './message-limits.js';
import { OutOfSpaceInterceptor } from './out-of-space.js';

export interface GrpcServiceOptions {
  /** Nest module whose controllers handle the methods, named in camelCase in `@GrpcMethod`. */
  readonly module: Type | DynamicModule;
  /** Full name of the service, such as necrocode.repo_pool.v1.RepoPoolService. */
  readonly name: string;
  readonly definition: ServiceDefinition;
  /** `host:port` to listen on. */
  readonly address: string;
  /** Absent: without TLS. */
  readonly tls?: ServerTls | undefined;
  /** Also serves the fault injection service; for tests only. */
  readonly faults?: boolean;
  /** Directory of the .proto files: serves reflection from them, for development. */
  readonly reflectionProtoDir?: string;
}

/** Starts a gRPC service with standard health checking, in Nest. Close the returned application to end it. */
export async function serveGrpc(options: GrpcServiceOptions): Promise<INestMicroservice> {
  const packages = [packageOf(options.name)];
  const packageDefinition: Record<string, ServiceDefinition> = { [options.name]: options.definition };
  if (options.faults) {
    packages.push(packageOf(faultServiceName));
    packageDefinition[faultServiceName] = faultInjection.FaultInjectionServiceService;
  }
  const { request, response } = messageLimitsOf(options.name);
  const health = new HealthImplementation({ '': 'SERVING', [options.name]: 'SERVING' });
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    options.faults ? withFaults(options.module) : options.module,
    {
      transport: Transport.GRPC,
      logger: ['error', 'warn', 'fatal'],
      options: {
        url: options.address,
        package: packages,
        packageDefinition,
        maxReceiveMessageLength: request,
        maxSendMessageLength: response,
        credentials: credentialsOf(options.tls),
        onLoadPackageDefinition: (_definition: unknown, server: Server) => {
          health.addToServer(server);
          if (options.reflectionProtoDir) addReflection(server, options.reflectionProtoDir, options.name);
        },
      },
    },
  );
  const faults = options.faults ? [app.get(FaultInterceptor)] : [];
  app.useGlobalInterceptors(...faults, new OutOfSpaceInterceptor());
  await app.listen();
  return app;
}

/** Where there is an authority, a client without a certificate of it does not get past the handshake. */
function credentialsOf(tls: ServerTls | undefined): ServerCredentials {
  if (!tls) return ServerCredentials.createInsecure();
  const own = { cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) };
  return ServerCredentials.createSsl(tls.ca ? Buffer.from(tls.ca) : null, [own], tls.ca !== undefined);
}

const faultServiceName = 'necrocode.fault_injection.v1.FaultInjectionService';

function packageOf(serviceName: string): string {
  return serviceName.slice(0, serviceName.lastIndexOf('.'));
}

function withFaults(module: Type | DynamicModule): DynamicModule {
  class WithFaults {}
  return {
    module: WithFaults,
    imports: [module],
    controllers: [FaultInjectionController],
    providers: [FaultInterceptor],
  };
}

function addReflection(server: Server, protoDir: string, serviceName: string): void {
  const [root, name, version] = packageOf(serviceName).split('.') as [string, string, string];
  const file = join(protoDir, root, name, version, `${name}.proto`);
  if (existsSync(file))
    new ReflectionService(loadSync(file, { includeDirs: [protoDir] })).addToServer(server);
}
