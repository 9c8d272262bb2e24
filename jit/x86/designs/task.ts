import { OWN_STORE } from "../../../bpf/image.ts";
import type { X86Profile } from "../../profile.ts";
import type { TailCallDesign } from "../design.ts";
import { JAE, nops } from "../encode/control.ts";
import { opMemImm8 } from "../encode/memory.ts";
import { movRegReg } from "../encode/move.ts";
import { type Fn, limitOf } from "../fn.ts";
import { RAX, RDX } from "../regs.ts";
import { type CFunction, incThrough, scratch, storeImm32Through, taskCountPointer } from "./c-functions.ts";
import { callFunction } from "./percpu.ts";

const INIT = "bpf_tail_call_cnt_init";
const PTR = "bpf_tail_call_cnt_ptr";
const CALL_SIZE = 5;

/** current->bpf_tail_call_cnt = 0, as a C function around inline assembly whose registers the compiler chooses */
const init: CFunction = {
  name: INIT,
  emit(c, symbol, compilation) {
    const reg = compilation === "lucky" ? RAX : RDX;
    scratch(c, compilation);
    taskCountPointer(c, reg, symbol);
    storeImm32Through(c, reg, 0);
  },
};

/** &current->bpf_tail_call_cnt, the same way */
const pointer: CFunction = {
  name: PTR,
  emit(c, symbol, compilation) {
    const reg = compilation === "lucky" ? RAX : RDX;
    scratch(c, compilation);
    taskCountPointer(c, reg, symbol);
    if (reg !== RAX) movRegReg(c, true, RAX, reg);
  },
};

/** __naked: the assembly is the function, and it names rax */
const naked = (of: CFunction): CFunction => ({ name: of.name, emit: (c, symbol) => of.emit(c, symbol, "lucky") });

/**
 * A clobber list keeps the inline assembly itself off the argument registers; around it the compiler still does what it likes: an
 * ordinary one has no reason to, a hostile one does.
 */
const clobberList = (of: CFunction): CFunction => ({
  name: of.name,
  emit: (c, symbol, compilation) => of.emit(c, symbol, compilation === "ordinary" ? "lucky" : compilation),
});

/** What all designs that count in task_struct share: where the pointer comes from is up to `load`. */
function taskDesign(
  about: Pick<TailCallDesign, "name" | "about" | "landing" | "functions">,
  start: (f: Fn) => void,
  load: (f: Fn) => void,
): TailCallDesign {
  return {
    ...about,
    origStack: RAX,
    enter: start,
    check(f, out) {
      load(f);
      f.c.note("*tail_call_cnt_ptr >= 33?");
      opMemImm8(f.c, 7, false, RAX, limitOf(f)); // 83 38 21
      out.jump(JAE);
      f.c.note("++*tail_call_cnt_ptr, even if the slot turns out empty");
      incThrough(f.c, 0); // ff 00
      f.c.mark(OWN_STORE);
    },
  };
}

function withCalls(name: string, about: string, wrap: (of: CFunction) => CFunction): TailCallDesign {
  return taskDesign(
    { name, about, landing: 14, functions: [wrap(init), wrap(pointer)] },
    (f) => {
      if (f.input.tailCallReachable && !f.input.isSubprog) {
        f.c.note("current->bpf_tail_call_cnt = 0");
        callFunction(f, INIT); // e8
      } else nops(f.c, CALL_SIZE);
    },
    (f) => {
      f.c.note("&current->bpf_tail_call_cnt");
      callFunction(f, PTR); // e8
    },
  );
}

/** Series v3 (April 2024): rdi, rsi, rdx, rcx and r8 are live where the functions are called, and C may scratch them. */
export const taskCall = withCalls("task-call", "a u32 in task_struct, reached by calls of C functions", (of) => of);

/** What the review of v3 asked for. */
export const taskNaked = withCalls(
  "task-naked",
  "a u32 in task_struct, reached by calls of __naked functions that use rax only",
  naked,
);

/** The first answer to the review of v3. */
export const taskClobber = withCalls(
  "task-clobber",
  "a u32 in task_struct, reached by calls of C functions with a clobber list",
  clobberList,
);

/** mov rax, imm32; add rax, gs:[] with CONFIG_SMP; mov rax, [rax]; add rax, imm32; mov dword [rax], 0 */
const inlineSize = ({ percpu }: X86Profile): number => 7 + (percpu.up ? 0 : 9) + 3 + 6 + 6;

/** The second answer: the same in line. A program that is nested in the task still starts the count over. */
export const taskInline = taskDesign(
  {
    name: "task-inline",
    about: "a u32 in task_struct, reached through gs in line",
    landing: (profile) => 9 + inlineSize(profile),
  },
  (f) => {
    if (f.input.tailCallReachable && !f.input.isSubprog) {
      f.c.note("current->bpf_tail_call_cnt = 0");
      taskCountPointer(f.c, RAX, f.symbol, f.profile.percpu.up);
      storeImm32Through(f.c, RAX, 0); // c7 00
      f.c.mark(OWN_STORE);
    } else nops(f.c, inlineSize(f.profile));
  },
  (f) => {
    f.c.note("&current->bpf_tail_call_cnt");
    taskCountPointer(f.c, RAX, f.symbol, f.profile.percpu.up);
  },
);
