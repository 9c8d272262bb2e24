import {
  BPF_FUNC_tail_call,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  CALL,
  CALLX,
  JX,
  MAY_GOTO,
  TAIL_CALL,
} from "../opcode.ts";
import { codeOf } from "./code.ts";
import { badOpcode, ExecutionFault } from "./fault.ts";
import type { Run } from "./run.ts";
import type { HelperSteps } from "./runnable.ts";

/** enum bpf_tail_call limits, include/linux/bpf.h */
const MAX_TAIL_CALL_CNT = 33;

/** Jumps and calls that need more than a target. Sets the run's code and pc; true when that was the last exit. */
export function transfer(run: Run, op: number): boolean {
  const { code, pc } = run;
  const register = run.regs.unsigned[code.dst[pc]];
  switch (op) {
    case CALL:
      return call(run);
    case TAIL_CALL:
      tailCall(run);
      return false;
    case MAY_GOTO:
      run.pc = run.frames.current.mayGoto-- > 0 ? pc + 1 : code.target[pc];
      return false;
    case JX:
      run.pc = code.slotAt(register);
      return false;
    case CALLX:
      return callHelper(run, Number(BigInt.asUintN(32, register)));
    default:
      throw badOpcode(op);
  }
}

function call(run: Run): boolean {
  const { code, pc } = run;
  const src = code.src[pc];
  const name = code.program.calls?.get(pc);
  if (src === BPF_PSEUDO_CALL) {
    const target = code.target[pc];
    const steps = run.settings.intercept?.(code.program, target, argumentsOf(run));
    run.pc = pc + 1;
    if (steps) return resume(run, steps);
    enter(run);
    run.pc = target;
    return false;
  }
  if (name !== undefined) return callHelper(run, name);
  return callHelper(run, src === BPF_PSEUDO_KFUNC_CALL ? `btf:${code.imm[pc]}` : code.imm[pc]);
}

function callHelper(run: Run, helper: number | string): boolean {
  if (helper === BPF_FUNC_tail_call || helper === "bpf_tail_call") {
    tailCall(run);
    return false;
  }
  const { helpers } = run.settings;
  if (!helpers) throw new ExecutionFault("helper", `a call of ${helper}, and there are no helpers`);
  const result = helpers.call(helper, argumentsOf(run));
  run.pc++;
  if (typeof result !== "bigint") return resume(run, result);
  run.regs.unsigned[0] = result;
  return false;
}

/** A frame below the current one, which goes on at run.pc. */
function enter(run: Run, steps?: HelperSteps): void {
  run.frames.push(run.regs, run.code, run.pc, run.counted, steps);
  if (run.settings.counting.per === "frame") run.counted = 0;
}

const argumentsOf = ({ regs }: Run): bigint[] => [...regs.unsigned.subarray(1, 6)];

/** Goes on with a helper that calls back, giving it `r0` of its last callback. Code and pc say where its caller goes on. */
function resume(run: Run, steps: HelperSteps, r0?: bigint): boolean {
  const { code, regs } = run;
  const step = r0 === undefined ? steps.next() : steps.next(r0);
  if (step.done) {
    regs.unsigned[0] = step.value;
    return false;
  }
  if ("throw" in step.value) return throwException(run, step.value.throw);
  const start = code.slotAt(step.value.call);
  enter(run, steps);
  step.value.args.forEach((arg, i) => {
    regs.unsigned[1 + i] = arg;
  });
  run.pc = start;
  return false;
}

/** bpf_throw: the program's main function returns `cookie`, or what the exception callback makes of it. */
function throwException(run: Run, cookie: bigint): boolean {
  const { code, regs } = run;
  run.frames.unwind(regs);
  regs.unsigned[0] = cookie;
  if (code.exceptionCallback < 0) return exitFunction(run);
  regs.unsigned[1] = cookie;
  run.pc = code.exceptionCallback;
  return false;
}

/** R1 context, R2 prog array, R3 index (32 bits). Where it cannot be taken, the next instruction follows. */
function tailCall(run: Run): void {
  const { regs, settings } = run;
  const index = regs.half[6] >>> 0;
  const isFree = run.counted < MAX_TAIL_CALL_CNT;
  const program = isFree ? settings.lookupProgram?.(regs.unsigned[2], index) : undefined;
  if (program === undefined || program === "empty") {
    if (program && settings.counting.countsEmpty) run.counted++;
    run.pc++;
    return;
  }
  run.counted++;
  run.tailCalls++;
  run.code = codeOf(program);
  run.pc = 0;
  run.frames.replace(regs, run.code);
}

/** Leaves the current function; true when it was the outermost. */
export function exitFunction(run: Run): boolean {
  const frame = run.frames.pop(run.regs);
  if (run.frames.depth === 0) return true;
  run.code = frame.code;
  run.pc = frame.returnTo;
  if (run.settings.counting.per !== "entry") run.counted = frame.counted;
  return frame.steps ? resume(run, frame.steps, run.regs.unsigned[0]) : false;
}
