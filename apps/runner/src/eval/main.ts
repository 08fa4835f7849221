import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { evaluate } from './evaluate.js';
import { renderReport } from './render-report.js';

/**
 * `npm run eval -- CORPUS [--json]`: plays recorded answers through the reading and the change engine,
 * without NATS, services or a model. Ends 1 when something was applied in a wrong place.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
});
const corpus = positionals[0];
if (corpus === undefined) {
  process.stderr.write('usage: npm run eval -- CORPUS [--json]\n');
  process.exit(2);
}
const work = mkdtempSync(join(tmpdir(), 'necrocode-eval-'));
try {
  const reports = await evaluate(resolve(corpus), work);
  process.stdout.write(values.json ? `${JSON.stringify(reports)}\n` : renderReport(reports));
  process.exitCode = reports.some(({ verdict }) => verdict === 'wrong_place') ? 1 : 0;
} catch (error) {
  process.stderr.write(`eval: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 2;
} finally {
  rmSync(work, { recursive: true, force: true });
}
