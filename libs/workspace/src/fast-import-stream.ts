import { checkedObjectId } from './object-id.js';
import type { Overlay, OverlayEntry } from './changed-tree.js';

/** Who made the commit and when: the same input makes the same commit, hash included. */
export interface Identity {
  readonly name: string;
  readonly email: string;
}

export interface CommitRequest {
  /** Commit on which the change set stands. */
  readonly base: string;
  /** Branch that is set to the new commit, without `refs/heads/`. */
  readonly branch: string;
  readonly overlay: Overlay;
  readonly message: string;
  readonly author: Identity;
  readonly date: Date;
}

/**
 * The commit in the language of `git fast-import`: deletions first, so that a file can take the
 * place of a directory and the other way round; contents inline, as bytes. Ends by asking for the
 * ids of the commit and its tree.
 */
export function* fastImportStream(request: CommitRequest): Generator<Buffer> {
  const { base, branch, overlay, message } = request;
  const who = `${plain(request.author.name)} <${plain(request.author.email)}> ${Math.floor(request.date.getTime() / 1_000)} +0000`;
  yield line('feature done');
  yield line(`commit refs/heads/${branch}`);
  yield line('mark :1');
  yield line(`author ${who}`);
  yield line(`committer ${who}`);
  yield* data(Buffer.from(message, 'utf8'));
  yield line(`from ${checkedObjectId(base)}`);
  const entries = [...overlay];
  for (const [path, entry] of entries) if (entry.kind === 'deleted') yield line(`D ${quotePath(path)}`);
  for (const [path, entry] of entries) yield* modification(path, entry);
  yield line('');
  yield line('get-mark :1');
  yield line('ls :1 ""');
  yield line('done');
}

function* modification(path: string, entry: OverlayEntry): Generator<Buffer> {
  if (entry.kind === 'gitlink') yield line(`M 160000 ${entry.id} ${quotePath(path)}`);
  if (entry.kind !== 'blob') return;
  yield line(`M ${entry.mode} inline ${quotePath(path)}`);
  yield* data(entry.bytes);
}

function* data(bytes: Buffer): Generator<Buffer> {
  yield line(`data ${bytes.length}`);
  yield bytes;
  yield line('');
}

function line(text: string): Buffer {
  return Buffer.from(`${text}\n`, 'utf8');
}

/** Quoted as in C: any byte that is not plain ASCII becomes an octal escape. */
function quotePath(path: string): string {
  const quoted = [...Buffer.from(path, 'utf8')].map((byte) => {
    if (byte === 0x22 || byte === 0x5c) return `\\${String.fromCharCode(byte)}`;
    return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
  });
  return `"${quoted.join('')}"`;
}

/** Names and addresses stand between these characters, so they cannot hold them. */
function plain(text: string): string {
  return text.replace(/[<>\u0000-\u001f\u007f]/g, '').trim();
}
