import { noUsage, usageSchema, type Usage } from '@necrocode/contracts';
import { z } from 'zod';
import type { Sql } from './registry.js';
import { documentOf, type Run } from './runs.js';

/**
 * What a run has cost by its last checkpoint, for a run that no runner reports. The checkpoint's form is
 * its runner's business: one that does not tell counts as none.
 */
export function usageSoFar(sql: Sql, run: Run): Usage {
  const checkpoint = documentOf(sql, run, 'checkpoint');
  try {
    return schema.parse(JSON.parse(checkpoint)).usage;
  } catch {
    return noUsage;
  }
}

const schema = z.object({ usage: usageSchema });
