import type { ProgramSet } from "../../../bpf/program.ts";
import { Code } from "../../../jit/x86/code.ts";
import { addRsp, call, leave, push, ret, subRsp } from "../../../jit/x86/encode/control.ts";
import { lea, load, store } from "../../../jit/x86/encode/memory.ts";
import { movRegReg } from "../../../jit/x86/encode/move.ts";
import { R8, RAX, RBP, RCX, RDI, RDX, RSI, RSP } from "../../../jit/x86/regs.ts";
import type { CaptureRecord } from "./format.ts";

const ARGUMENTS = [RDI, RSI, RDX, RCX, R8];
/** bytes below rbp: the tail-call count, and the context: arguments, then the return value */
const COUNT = -8;
const CONTEXT = -64;
const FRAME = 64;

/** A function of a captured set with a trampoline attached. */
export interface Attached {
  prog: string;
  func: number;
  /** address of the trampoline */
  address: bigint;
  /** address behind the patch site */
  resume: bigint;
}

/**
 * Code for a trampoline whose image the capture does not have (the kernel hides it under bpf_jit_harden=2): it does what
 * arch_prepare_bpf_trampoline() promises, in its own way. fentry programs see the arguments; when there are fexit programs, the
 * function is called, they see its result, and control returns to the function's caller.
 */
export function standIn(at: Attached, set: ProgramSet, record: CaptureRecord): Uint8Array {
  const target = set.programs.find(({ name }) => name === at.prog)?.functions[at.func];
  const nargs = Math.min(target?.nargs ?? 1, ARGUMENTS.length);
  const result = CONTEXT + 8 * nargs;
  const c = new Code();
  const callAt = (address: bigint): void => call(c, Number(address - (at.address + BigInt(c.pos) + 5n)));
  const callPrograms = (type: "fentry" | "fexit"): void => {
    for (const address of attachedPrograms(type, at, set, record)) {
      lea(c, RDI, RBP, CONTEXT);
      callAt(address);
    }
  };
  push(c, RBP);
  movRegReg(c, true, RBP, RSP);
  subRsp(c, FRAME);
  store(c, 8, RBP, COUNT, RAX);
  for (let i = 0; i < nargs; i++) store(c, 8, RBP, CONTEXT + 8 * i, ARGUMENTS[i]);
  callPrograms("fentry");
  for (let i = 0; i < nargs; i++) load(c, 8, ARGUMENTS[i], RBP, CONTEXT + 8 * i);
  load(c, 8, RAX, RBP, COUNT);
  const exits = attachedPrograms("fexit", at, set, record).length > 0;
  if (exits) {
    callAt(at.resume);
    store(c, 8, RBP, result, RAX);
    callPrograms("fexit");
    load(c, 8, RAX, RBP, result);
  }
  leave(c);
  if (exits) addRsp(c, 8);
  ret(c);
  return c.bytes.slice(0, c.pos);
}

/** bpf_func of the programs that the set attaches there, in the order in which it does. */
function attachedPrograms(type: "fentry" | "fexit", at: Attached, set: ProgramSet, record: CaptureRecord): bigint[] {
  return set.programs.flatMap(({ attach }, i) => {
    const first = record.progs[i].funcs[0];
    const here = attach?.type === type && attach.prog === at.prog && attach.func === at.func;
    return here && first ? [BigInt(`0x${first.addr}`)] : [];
  });
}
