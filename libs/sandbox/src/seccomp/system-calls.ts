/** What a filter answers, as errno of Linux, which is the same on the processors below. */
const errno = { EPERM: 1, EINVAL: 22, ENOSYS: 38 } as const;

/** A system call that commands are refused. */
export interface Refused {
  readonly number: number;
  readonly errno: number;
  /** Refused only where one of these bits is set in the argument. */
  readonly bits?: { readonly argument: number; readonly mask: number };
  /** Refused only where the argument is larger. */
  readonly above?: { readonly argument: number; readonly most: number };
}

export interface ProcessorCalls {
  /** AUDIT_ARCH of <linux/audit.h>. */
  readonly audit: number;
  /** Numbers from here on belong to another way to call (x32), of which nothing is allowed. */
  readonly foreignFrom?: number;
  readonly refused: (uncounted: boolean) => readonly Refused[];
}

/** CLONE_NEWUSER of <linux/sched.h>. */
const newUserNamespace = { argument: 0, mask: 0x1000_0000 };
/** Linux lets an IPC namespace have 4,096 segments, so these bound them to 256 MiB. */
const largestSegmentBytes = 65_536;

interface Numbers {
  readonly clone: number;
  readonly unshare: number;
  readonly setns: number;
  readonly shmget: number;
  readonly msgget: number;
  /** keyctl, add_key, request_key, bpf, perf_event_open, userfaultfd. */
  readonly kernel: readonly number[];
}

/** Have the same numbers everywhere, being newer than most processors. */
const common = { io_uring_setup: 425, clone3: 435 };

/**
 * What tests do not need, and what widens the kernel's surface or escapes a limit: a user namespace of their
 * own gives back every right inside it, and with that file systems in memory that nobody counts.
 *
 * @param uncounted whether no control group counts the memory that no process has mapped
 */
function refusedOf(numbers: Numbers) {
  return (uncounted: boolean): readonly Refused[] => [
    { number: numbers.clone, errno: errno.EPERM, bits: newUserNamespace },
    { number: numbers.unshare, errno: errno.EPERM, bits: newUserNamespace },
    { number: numbers.setns, errno: errno.EPERM },
    // Its arguments lie in memory, where no filter sees them; C libraries fall back to `clone`.
    { number: common.clone3, errno: errno.ENOSYS },
    { number: common.io_uring_setup, errno: errno.ENOSYS },
    ...numbers.kernel.map((number) => ({ number, errno: errno.EPERM })),
    ...(uncounted
      ? [
          {
            number: numbers.shmget,
            errno: errno.EINVAL,
            above: { argument: 1, most: largestSegmentBytes },
          },
          { number: numbers.msgget, errno: errno.ENOSYS },
        ]
      : []),
  ];
}

/** From the kernel's tables (arch/x86/entry/syscalls, include/uapi/asm-generic/unistd.h). */
const x64: ProcessorCalls = {
  audit: 0xc000_003e,
  foreignFrom: 0x4000_0000,
  refused: refusedOf({
    clone: 56,
    unshare: 272,
    setns: 308,
    shmget: 29,
    msgget: 68,
    kernel: [250, 248, 249, 321, 298, 323],
  }),
};

/** Programs of 32 bits on x64. Their `ipc` (117) makes segments as well. */
const ia32: ProcessorCalls = {
  audit: 0x4000_0003,
  refused: (uncounted) => [
    ...refusedOf({
      clone: 120,
      unshare: 310,
      setns: 346,
      shmget: 395,
      msgget: 399,
      kernel: [288, 286, 287, 357, 336, 374],
    })(uncounted),
    ...(uncounted ? [{ number: 117, errno: errno.ENOSYS }] : []),
  ],
};

const arm64: ProcessorCalls = {
  audit: 0xc000_00b7,
  refused: refusedOf({
    clone: 220,
    unshare: 97,
    setns: 268,
    shmget: 194,
    msgget: 186,
    kernel: [219, 217, 218, 280, 241, 282],
  }),
};

/** The ways to call the kernel on a processor, in Node's names; undefined for one whose numbers are not here. */
export function callsOf(processor: NodeJS.Architecture): readonly ProcessorCalls[] | undefined {
  switch (processor) {
    case 'x64':
      return [x64, ia32];
    case 'arm64':
      return [arm64];
    default:
      return undefined;
  }
}

export const unknownCall = errno.ENOSYS;
