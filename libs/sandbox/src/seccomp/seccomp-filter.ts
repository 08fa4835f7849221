import { callsOf, unknownCall, type ProcessorCalls, type Refused } from './system-calls.js';

/** A command of classic BPF: `struct sock_filter` of <linux/filter.h>. */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, operand: number];

/** <linux/bpf_common.h>: BPF_LD+BPF_W+BPF_ABS, BPF_JMP with BPF_JA, JEQ, JGT, JGE, JSET (all BPF_K), BPF_RET+BPF_K. */
const code = { load: 0x20, jump: 0x05, ifEqual: 0x15, ifAbove: 0x25, ifFrom: 0x35, ifBits: 0x45, end: 0x06 };
/** <linux/seccomp.h> */
const verdict = { allow: 0x7fff_0000, errno: 0x0005_0000 };
/** `struct seccomp_data`, on processors that write the low half of a number first. */
const at = { number: 0, processor: 4, argument: (index: number) => 16 + 8 * index };

/**
 * A program for `bwrap --seccomp` that refuses what commands have no business with (system-calls.ts says
 * what); undefined for processors whose numbers are not known.
 *
 * @param uncounted whether no control group counts the memory of commands
 */
export function seccompFilter(processor: NodeJS.Architecture, uncounted: boolean): Buffer | undefined {
  const calls = callsOf(processor);
  if (!calls) return undefined;
  const program = [
    ...calls.flatMap((one) => sectionOf(one, uncounted)),
    // Whatever else the processor can run has not been looked at.
    refuse(unknownCall),
  ];
  return Buffer.concat(program.map(encode));
}

/** Decides on the calls of one processor; goes on behind itself for those of others. */
function sectionOf({ audit, foreignFrom, refused }: ProcessorCalls, uncounted: boolean): Instruction[] {
  const body: Instruction[] = [
    [code.load, 0, 0, at.number],
    ...(foreignFrom === undefined ? [] : [[code.ifFrom, 0, 1, foreignFrom] as const, refuse(unknownCall)]),
    ...refused(uncounted).flatMap(ruleOf),
    [code.end, 0, 0, verdict.allow],
  ];
  return [
    [code.load, 0, 0, at.processor],
    [code.ifEqual, 1, 0, audit],
    [code.jump, 0, 0, body.length],
    ...body,
  ];
}

/** Expects the call's number to be loaded; what it loads itself, it decides on. */
function ruleOf({ number, errno, bits, above }: Refused): Instruction[] {
  const decision: Instruction[] = [];
  if (bits) {
    decision.push([code.load, 0, 0, at.argument(bits.argument)], [code.ifBits, 0, 1, bits.mask]);
    decision.push(refuse(errno), [code.end, 0, 0, verdict.allow]);
  } else if (above) {
    decision.push([code.load, 0, 0, at.argument(above.argument) + 4], [code.ifAbove, 2, 0, 0]);
    decision.push([code.load, 0, 0, at.argument(above.argument)], [code.ifAbove, 0, 1, above.most]);
    decision.push(refuse(errno), [code.end, 0, 0, verdict.allow]);
  } else {
    decision.push(refuse(errno));
  }
  return [[code.ifEqual, 0, decision.length, number], ...decision];
}

function refuse(errno: number): Instruction {
  return [code.end, 0, 0, verdict.errno | errno];
}

function encode([code, ifTrue, ifFalse, operand]: Instruction): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(ifTrue, 2);
  bytes.writeUInt8(ifFalse, 3);
  bytes.writeUInt32LE(operand, 4);
  return bytes;
}
