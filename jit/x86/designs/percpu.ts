import type { TailCallDesign } from "../design.ts";
import { relative } from "../emitter.ts";
import { CMP, opRegImm } from "../encode/alu.ts";
import { call, JAE, nops } from "../encode/control.ts";
import { type Fn, limitOf } from "../fn.ts";
import { RAX } from "../regs.ts";
import { type CFunction, incThrough, loadThrough, percpuPointer, storeImm32Through } from "./c-functions.ts";

const CALL_SIZE = 5;

/** this_cpu_write(bpf_tail_call_cnt, 0); the series asks the compiler for rax and nothing else */
const prepare: CFunction = {
  name: "bpf_tail_call_cnt_prepare",
  emit(c, symbol) {
    percpuPointer(c, RAX, symbol("bpf_tail_call_cnt"), symbol);
    storeImm32Through(c, RAX, 0);
  },
};

/** this_cpu_inc_return(bpf_tail_call_cnt) - 1, in eax */
const fetchAndInc: CFunction = {
  name: "bpf_tail_call_cnt_fetch_and_inc",
  emit(c, symbol) {
    percpuPointer(c, RAX, symbol("bpf_tail_call_cnt"), symbol);
    incThrough(c, 0);
    loadThrough(c, false, RAX, RAX);
    c.insn();
    c.u16(0xc8ff); // ff c8: dec eax
  },
};

/** Calls the kernel function. */
export const callFunction = (f: Fn, name: string): void => call(f.c, relative(f, f.symbol(name)));

/** Series v2 (February 2024). A program that runs in between on the same CPU starts the count over. */
export const percpu: TailCallDesign = {
  name: "percpu",
  about: "a per-CPU u32, started over by every entry",
  landing: 14,
  functions: [prepare, fetchAndInc],

  enter(f) {
    if (f.input.tailCallReachable && !f.input.isSubprog) {
      f.c.note("this CPU's tail_call_cnt = 0");
      callFunction(f, prepare.name); // e8
    } else nops(f.c, CALL_SIZE); // 0f 1f 44 00 00
  },
  check(f, out) {
    f.c.note("this CPU's tail_call_cnt++ >= 33?");
    callFunction(f, fetchAndInc.name); // e8
    opRegImm(f.c, CMP, false, RAX, limitOf(f), false); // 83 f8 21
    out.jump(JAE);
  },
};
