import type { Refusal } from './egress/refusals.js';

export type OutputStream = 'stdout' | 'stderr';

/**
 * Limits of a command with all that it starts. Control groups hold them where the host lets this process
 * make some; elsewhere the kernel's limits of each process do, and a watcher that looks at all of them
 * together several times a second. A command that reaches one is ended, except for `openFiles`,
 * `fileSizeMb` and `cpus`, which hold the process that reaches them back.
 */
export interface CommandLimits {
  /** Memory of all processes together, files in memory included, in MiB. */
  readonly memoryMb?: number;
  /** CPU time of all processes together, in seconds. */
  readonly cpuSeconds?: number;
  /** How many CPUs it may keep busy; holds where there are control groups. */
  readonly cpus?: number;
  /** Processes and threads. */
  readonly processes?: number;
  /** Size of a file that is written, in MiB. */
  readonly fileSizeMb?: number;
  /** What work tree, HOME and temporary files may take on disk, in MiB. */
  readonly diskMb?: number;
  /** Size of the private temporary directory where that is in memory (level `full`), in MiB. */
  readonly temporaryMb?: number;
  /** Files that one process may have open. */
  readonly openFiles?: number;
  /** Output after which the command is ended, in bytes; what is kept of it is `outputLimitBytes`. */
  readonly outputBytes?: number;
}

export interface CommandOptions {
  /** Absolute path of the directory in which the command runs, and the only one that it may write. */
  readonly workTree: string;
  /** At level `full` only through the sandbox's list of hosts, below it as the host has it. */
  readonly network: boolean;
  /** Paths at which a command of level `full` finds its work tree and its HOME; by default where they are. */
  readonly seenAt?: { readonly workTree: string; readonly home: string };
  /** Added to the allow-listed environment, which starts empty. */
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** How much output is kept, in bytes, of each of stdout, stderr and both together. */
  readonly outputLimitBytes?: number;
  /**
   * A directory that serves as HOME and keeps what commands of one task put there, such as downloaded
   * packages. Absent: an empty one that is gone afterwards.
   */
  readonly home?: string;
  /** Output as it comes; it ends where `outputLimitBytes` is reached. */
  readonly onOutput?: (text: string, stream: OutputStream) => void;
  readonly signal?: AbortSignal;
  readonly limits?: CommandLimits;
}

/** What ended or bounded a command. */
export type LimitHit =
  'timeout' | 'output' | 'cpu' | 'file_size' | 'memory' | 'processes' | 'disk' | 'open_files';

export interface CommandResult {
  /** Null when the command was ended from outside. 128 + n: it died of signal n. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly durationMs: number;
  /** Both streams as they came, head and tail kept where it was too long. */
  readonly output: string;
  readonly stdout: string;
  readonly stderr: string;
  /** Bytes of output that were not kept. */
  readonly omittedBytes: number;
  readonly limitHit: LimitHit | null;
  readonly timedOut: boolean;
  readonly cancelled: boolean;
  /** Places that a command with network was not let to; they are told at the end of the output as well. */
  readonly refusals?: readonly Refusal[];
}
