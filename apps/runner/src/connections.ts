import { readClientTls, type NatsAccess } from '@necrocode/contracts';
import type { GrpcEndpoint } from '@necrocode/rpc';
import { z } from 'zod';
import type { RunnerConfig } from './config/config-schema.js';

/**
 * A setting that names PEM files. They are read at once, so that the settings hold what is in them and a
 * bad one ends the start.
 *
 * @param setting what its variables begin with, such as NATS_TLS
 */
export function clientTls(setting: string) {
  return z
    .strictObject({ ca: z.string().optional(), cert: z.string().optional(), key: z.string().optional() })
    .transform((files, context) => {
      const read = readClientTls(setting, files);
      if (read.kind === 'read') return read.tls;
      for (const { file, message } of read.problems)
        context.addIssue({ code: 'custom', path: [file], message });
      return z.NEVER;
    })
    .optional();
}

/** The variables of a setting that names PEM files: `NATS_TLS_CA` is `nats_tls.ca`, and so on. */
export function tlsVariables(...settings: readonly string[]): Record<string, readonly string[]> {
  const named = settings.flatMap((setting) =>
    ['ca', 'cert', 'key'].map((file) => [`${setting}_${file}`.toUpperCase(), [setting, file]] as const),
  );
  return Object.fromEntries(named);
}

/** Where NATS is, and as whom the runner comes. */
export function natsAccessOf(config: RunnerConfig): NatsAccess {
  return {
    url: config.nats_url,
    user: config.nats_user,
    password: config.nats_password,
    creds: config.nats_creds,
    inboxPrefix: config.nats_inbox_prefix,
    tls: config.nats_tls,
  };
}

/** Where the services are, and how they are spoken to. */
export function endpointsOf(config: RunnerConfig) {
  const endpoint = (address: string, tlsSetting: string, tls: GrpcEndpoint['tls']): GrpcEndpoint => ({
    address,
    tlsSetting,
    tls,
  });
  return {
    taskRegistry: endpoint(config.task_registry_url, 'TASK_REGISTRY_TLS', config.task_registry_tls),
    repoPool: endpoint(config.repo_pool_url, 'REPO_POOL_TLS', config.repo_pool_tls),
    artifactStore: endpoint(config.artifact_store_url, 'ARTIFACT_STORE_TLS', config.artifact_store_tls),
  };
}
