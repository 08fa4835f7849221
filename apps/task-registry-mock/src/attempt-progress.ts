import {
  artifactRefSchema,
  eventTypes,
  type ArtifactRef,
  type EventType,
  type taskRegistry,
} from '@necrocode/contracts';
import { z } from 'zod';
import { recordEvent } from './outbox.js';
import { badDocument, badRequest } from './refusals.js';
import type { Change } from './registry.js';
import { updateRun, type Run } from './runs.js';

const longestStage = 64;

/** What the holder of a lease tells about its attempt. Each throws INVALID_ARGUMENT for what it cannot keep. */
export function updateStage(change: Change, run: Run, stage: string): Run {
  if (stage === '' || stage.length > longestStage)
    throw badRequest(`stage must have 1 to ${longestStage} characters`);
  if (stage === run.stage) return run;
  const next = updateRun(change, run, { stage });
  recordEvent(change, next, 'StageStarted', { stage });
  return next;
}

export function appendEvents(change: Change, run: Run, events: readonly taskRegistry.TaskEvent[]): void {
  let current = run;
  for (const event of events) {
    const type = readType(event);
    const data = readData(event);
    if (type === 'StageStarted' && typeof data['stage'] === 'string') {
      current = updateRun(change, current, { stage: data['stage'].slice(0, longestStage) });
    }
    recordEvent(change, current, type, data, event.time?.getTime() ?? change.now);
  }
}

export function addArtifacts(change: Change, run: Run, artifacts: readonly taskRegistry.Artifact[]): void {
  keepArtifacts(change, run, artifacts.map(readArtifact));
}

/** An artifact under a known URI replaces what was known of it. */
export function keepArtifacts(change: Change, run: Run, artifacts: readonly ArtifactRef[]): void {
  for (const { type, uri, size_bytes: size, sha256 } of artifacts) {
    change
      .sql(
        `INSERT INTO artifacts (task, run, type, uri, size_bytes, sha256) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (task, uri) DO UPDATE SET run = excluded.run, type = excluded.type,
           size_bytes = excluded.size_bytes, sha256 = excluded.sha256`,
      )
      .run(run.task, run.run, type, uri, size, sha256);
    recordEvent(change, run, 'ArtifactStored', { type, uri, size_bytes: size, sha256 });
  }
}

function readArtifact(artifact: taskRegistry.Artifact): ArtifactRef {
  const ref = artifactRefSchema.safeParse({
    type: artifact.type,
    uri: artifact.uri,
    size_bytes: Number(artifact.sizeBytes),
    sha256: artifact.sha256,
  });
  if (!ref.success) throw badDocument('artifact', ref.error);
  return ref.data;
}

/** An event is published as one message, and a server takes none above 1 MiB. */
const longestData = 256 * 1024;

/** How a run ended is for ReportResult to say. */
const endings: ReadonlySet<EventType> = new Set(['TaskCompleted', 'TaskFailed', 'TaskCancelled']);

function readType({ type }: taskRegistry.TaskEvent): EventType {
  const known = eventTypes.find((name) => name === type);
  if (!known) throw badRequest(`event: type must be one of ${eventTypes.join(', ')}`);
  if (endings.has(known)) throw badRequest(`event: ${known} follows from ReportResult alone`);
  return known;
}

function readData({ dataJson }: taskRegistry.TaskEvent): Record<string, unknown> {
  if (dataJson === '') return {};
  if (dataJson.length > longestData) throw badRequest(`event: data_json is longer than ${longestData}`);
  const data = z.record(z.string(), z.unknown()).safeParse(parseJson(dataJson));
  if (!data.success) throw badRequest('event: data_json must be a JSON object');
  return data.data;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
