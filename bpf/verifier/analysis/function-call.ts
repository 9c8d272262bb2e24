import type { KInsn } from "../env.ts";
import { findSubprog } from "../env.ts";
import { previousVisit, widen } from "./loops.ts";
import { markPrecise } from "./precision.ts";
import { notInit, pointer, type Reg, scalarReg } from "./reg.ts";
import { clobberCallerSaved, fail, frame, type Run, use } from "./run.ts";
import type { CallbackKind, Frame } from "./state.ts";

const MAX_FRAMES = 8;

/** A new function's frame on top: R1 to R5 as given, R10 its own stack. */
export function enterFunction(run: Run, subprog: number, args: Reg[], callback: CallbackKind | null): void {
  const { frames } = run.state;
  if (frames.length >= MAX_FRAMES) fail(run, `the call stack of ${frames.length + 1} frames is too deep`);
  const regs: Reg[] = new Array(11).fill(notInit(run.S.unknown));
  args.forEach((r, i) => {
    regs[i + 1] = r;
  });
  regs[10] = pointer("stack", run.S.constant(0n), { frame: frames.length });
  const callee: Frame = { subprog, callSite: run.at, regs, stack: [], callback, callbackDepth: 0 };
  frames.push(callee);
}

/** check_func_call(): static functions are followed with the caller's values, global ones return anything. */
export function checkFunctionCall(run: Run, insn: KInsn): void {
  const to = run.at + insn.imm + 1;
  const subprog = findSubprog(run.env, to);
  if (subprog < 0) fail(run, `no program starts at insn ${to}`);
  const caller = frame(run);
  const global = run.env.globals.get(subprog);
  if (global) {
    for (let r = 1; r <= global.length; r++) use(run, r);
    clobberCallerSaved(run, caller.regs);
    caller.regs[0] = scalarReg(run.S.unknown);
    run.at++;
    return;
  }
  const args = caller.regs.slice(1, 6);
  enterFunction(run, subprog, args, null);
  clobberCallerSaved(run, caller.regs);
  run.at = to;
}

/** prepare_func_exit(): back to the caller, or to the call that called this back. */
export function returnFromFunction(run: Run): void {
  const { frames } = run.state;
  const callee = frames[frames.length - 1];
  const r0 = callee.regs[0];
  if (r0.type === "not_init") fail(run, "R0 !read_ok");
  if (r0.type === "stack") fail(run, "cannot return stack pointer to the caller");
  const caller = frames[frames.length - 2];
  if (!callee.callback) {
    frames.pop();
    caller.regs[0] = r0;
    run.at = callee.callSite + 1;
    return;
  }
  if (r0.type !== "scalar") fail(run, "R0 not a scalar value");
  markPrecise(r0.dep);
  if (r0.value.smin < 0n || r0.value.smax > BigInt(callee.callback.maxResult))
    fail(
      run,
      `At callback return the register R0 has smin=${r0.value.smin} smax=${r0.value.smax} should have been in [0, 1]`,
    );
  frames.pop();
  if (!run.env.kernel.callbackIterations) {
    clobberCallerSaved(run, caller.regs);
    caller.regs[0] = scalarReg(run.S.unknown);
    run.at = callee.callSite + 1;
    return;
  }
  run.at = callee.callSite;
  const previous = previousVisit(run, run.at);
  if (previous) widen(run, previous, run.state);
}
