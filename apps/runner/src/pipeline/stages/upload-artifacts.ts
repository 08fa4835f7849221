import { randomUUID } from 'node:crypto';
import { RunnerError, type ArtifactRef, type ArtifactType } from '@necrocode/contracts';
import type { Mask } from '@necrocode/telemetry';
import type { AttemptRecord } from '../attempt-record.js';
import type { Artifact, ArtifactStore, Lease, Spool } from '../ports.js';
import { renderTranscript, renderTranscriptMarkdown } from './render-transcript.js';
import { testRunOf } from './run-commands.js';

/**
 * Uploads what the attempt leaves behind; the report tells the registry of it. A failed upload is a
 * warning, since it must not undo what was achieved; the artifact is kept on disk and sent later.
 *
 * @param patienceMs what takes longer is sent later as well
 */
export async function uploadArtifacts(
  record: AttemptRecord,
  runLog: string,
  lease: Lease,
  { store, spool, mask }: Keepers,
  patienceMs: number,
): Promise<void> {
  const uploads = pieces(record, runLog).map(async ({ type, name, mediaType, text }) => {
    const content = mask.bytes(Buffer.from(text));
    const artifact = { type, name, mediaType, content, uploadId: randomUUID() };
    try {
      return await uploadWithin(patienceMs, lease, artifact, store);
    } catch (error) {
      const kept = await spool.keepArtifact(lease, artifact);
      const later = kept ? 'it is sent later' : 'it is lost';
      record.warn(`artifact ${name} was not stored: ${RunnerError.from(error).message}; ${later}`);
      return undefined;
    }
  });
  const stored: readonly (ArtifactRef | undefined)[] = await Promise.all(uploads);
  record.artifacts.push(...stored.filter((ref) => ref !== undefined));
}

interface Keepers {
  readonly store: Pick<ArtifactStore, 'upload'>;
  readonly spool: Pick<Spool, 'keepArtifact'>;
  readonly mask: Mask;
}

/** An upload that goes on after that does no harm: the later one has the same id. */
async function uploadWithin(
  milliseconds: number,
  lease: Lease,
  artifact: Artifact,
  store: Keepers['store'],
): Promise<ArtifactRef> {
  const upload = store.upload(lease, artifact);
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const error = new RunnerError('artifact_store_unavailable', 'the artifact store takes too long');
    timer = setTimeout(() => reject(error), milliseconds);
  });
  try {
    return await Promise.race([upload, late]);
  } finally {
    clearTimeout(timer);
  }
}

interface Piece {
  readonly type: ArtifactType;
  readonly name: string;
  readonly mediaType: string;
  readonly text: string | Buffer;
}

function pieces(record: AttemptRecord, runLog: string): Piece[] {
  const { diff, setupRuns, testRuns, exchanges } = record;
  return [
    ...(diff ? [{ type: 'diff', name: 'change.diff', mediaType: 'text/x-diff', text: diff } as const] : []),
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

function testReport({ setupRuns, testRuns }: AttemptRecord): string {
  const withOutput = (runs: AttemptRecord['setupRuns']) =>
    runs.map((run) => ({ ...testRunOf(run), stdout: run.stdout, stderr: run.stderr }));
  const rounds = testRuns.map((runs, index) => ({ round: index + 1, tests: withOutput(runs) }));
  return JSON.stringify({ setup: withOutput(setupRuns), rounds }, null, 2);
}
