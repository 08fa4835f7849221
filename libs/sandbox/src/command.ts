export type OutputStream = 'stdout' | 'stderr';

/** Limits of a command's processes. Each holds per process, not for all of them together. */
export interface CommandLimits {
  /** Writable private memory (RLIMIT_DATA), in MiB. */
  readonly memoryMb?: number;
  /** CPU time, in seconds. */
  readonly cpuSeconds?: number;
  /** Processes and threads of the user; the kernel does not hold root to it. */
  readonly processes?: number;
  /** Size of a file that is written, in MiB. */
  readonly fileSizeMb?: number;
}

export interface CommandOptions {
  /** Absolute path of the directory in which the command runs, and the only one that it may write. */
  readonly workTree: string;
  readonly network: boolean;
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
export type LimitHit = 'timeout' | 'output' | 'cpu' | 'file_size';

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
}
