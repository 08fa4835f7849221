import { RunnerError, type ArtifactRef, type ArtifactType } from '@necrocode/contracts';
import type { Mask } from '@necrocode/telemetry';
import type { AttemptRecord } from '../attempt-record.js';
import type { ArtifactStore, Lease } from '../ports.js';
import { renderTranscript, renderTranscriptMarkdown } from './render-transcript.js';
import { testRunOf } from './run-commands.js';

/**
 * Uploads what the attempt leaves behind; the report tells the registry of it. A failed upload is a
 * warning: it must not undo what was achieved.
 */
export async function uploadArtifacts(
  record: AttemptRecord,
  runLog: string,
  lease: Lease,
  store: ArtifactStore,
  mask: Mask,
): Promise<void> {
  const uploads = pieces(record, runLog, mask).map(async ({ type, name, mediaType, text }) => {
    const content = typeof text === 'string' ? Buffer.from(mask(text)) : text;
    return store.upload(lease, { type, name, mediaType, content });
  });
  const stored: ArtifactRef[] = [];
  for (const [index, upload] of (await Promise.allSettled(uploads)).entries()) {
    if (upload.status === 'fulfilled') stored.push(upload.value);
    else record.warn(`artifact ${index + 1} was not stored: ${RunnerError.from(upload.reason).message}`);
  }
  record.artifacts.push(...stored);
}

interface Piece {
  readonly type: ArtifactType;
  readonly name: string;
  readonly mediaType: string;
  readonly text: string | Buffer;
}

function pieces(record: AttemptRecord, runLog: string, mask: Mask): Piece[] {
  const { diff, setupRuns, testRuns, exchanges } = record;
  return [
    ...(diff
      ? [{ type: 'diff', name: 'change.diff', mediaType: 'text/x-diff', text: maskDiff(diff, mask) } as const]
      : []),
    { type: 'log', name: 'run.log', mediaType: 'application/x-ndjson', text: runLog },
    ...(testRuns.length + setupRuns.length > 0
      ? [
          {
            type: 'test_result',
            name: 'tests.json',
            mediaType: 'application/json',
            text: testReport(record),
          } as const,
        ]
      : []),
    ...(exchanges.length > 0 ? transcripts(exchanges) : []),
  ];
}

/** The same twice: for programs and for people. */
function transcripts(exchanges: AttemptRecord['exchanges']): Piece[] {
  const [programs, people] = [renderTranscript(exchanges), renderTranscriptMarkdown(exchanges)];
  return [
    { type: 'transcript', name: 'transcript.jsonl', mediaType: 'application/x-ndjson', text: programs },
    { type: 'transcript', name: 'transcript.md', mediaType: 'text/markdown', text: people },
  ];
}

/** Bytes that are not UTF-8 must survive, and a secret in them would be UTF-8. */
function maskDiff(diff: Buffer, mask: Mask): Buffer {
  const text = diff.toString('latin1');
  const masked = mask(text);
  return masked === text ? diff : Buffer.from(masked, 'latin1');
}

function testReport({ setupRuns, testRuns }: AttemptRecord): string {
  const withOutput = (runs: AttemptRecord['setupRuns']) =>
    runs.map((run) => ({ ...testRunOf(run), stdout: run.stdout, stderr: run.stderr }));
  const rounds = testRuns.map((runs, index) => ({ round: index + 1, tests: withOutput(runs) }));
  return JSON.stringify({ setup: withOutput(setupRuns), rounds }, null, 2);
}
