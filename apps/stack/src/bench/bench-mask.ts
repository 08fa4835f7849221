import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createMask } from '@necrocode/telemetry';
import { workspaceRoot } from '../workspace-root.js';

const megabytes = 16;
const rounds = 5;
const pieceBytes = 65_536;
/** What acceptance asks for, in times of a SHA-256 over the same bytes. */
const bar = 10;

/** Times of the mask over several kinds of text, as multiples of a SHA-256 over the same bytes. */
export function benchMask(say: (line: string) => void): void {
  const secrets = ['spec-git-token-4711-abcdef', `sk-${randomBytes(30).toString('base64url')}`];
  const mask = createMask(secrets);
  const line =
    '2026-01-01 INFO tests passed in 12 ms: src/api/user.ts, token check ok {"id":"a1","user":"x"}\n';
  const kinds: Record<string, Buffer> = {
    'a log': filled(line),
    'a log with a secret in every tenth line': filled(`${line.repeat(9)}found ${secrets[0]}\n`),
    base64: filled(randomBytes(49_152).toString('base64')),
    'random bytes': randomBytes(megabytes * 1_048_576),
  };
  say(`\nThe mask over ${megabytes} MB, in times of a SHA-256 (at most ${bar})\n`);
  const summary = Object.entries(kinds).map(([kind, bytes]) => {
    const sha256 = fastest(() => createHash('sha256').update(bytes).digest());
    const whole = fastest(() => mask.bytes(bytes)) / sha256;
    const pieces = fastest(() => inPieces(mask, bytes)) / sha256;
    say(
      `  ${kind.padEnd(42)} whole ${whole.toFixed(1).padStart(5)}   in pieces ${pieces.toFixed(1).padStart(5)}`,
    );
    return { kind, whole: round(whole), in_pieces: round(pieces) };
  });
  const file = join(workspaceRoot, 'bench/out/mask.json');
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ megabytes, bar, times_sha256: summary }, null, 2)}\n`);
}

function inPieces(mask: ReturnType<typeof createMask>, bytes: Buffer): void {
  const stream = mask.stream();
  for (let from = 0; from < bytes.length; from += pieceBytes)
    stream.write(bytes.subarray(from, from + pieceBytes));
  stream.flush();
}

function filled(text: string): Buffer {
  return Buffer.alloc(megabytes * 1_048_576, text);
}

/** Milliseconds of the fastest of several runs: the others have met something else on the machine. */
function fastest(work: () => unknown): number {
  const times = Array.from({ length: rounds }, () => {
    const started = performance.now();
    work();
    return performance.now() - started;
  });
  return Math.min(...times);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
