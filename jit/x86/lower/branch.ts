import { OWN_STORE } from "../../../bpf/image.ts";
import { type Emitter, relative } from "../emitter.ts";
import { call, int3, jmp8, jmp32, jmpReg, jumpByRet, lfence, pause, ret } from "../encode/control.ts";
import { storeAtRsp } from "../encode/memory.ts";
import { REG_NAMES } from "../regs.ts";

/** jmp to an absolute address */
export function jumpTo(e: Emitter, target: bigint): void {
  jmp32(e.c, relative(e, target));
}

/** `jmp reg` as the CPU's mitigation wants it (emit_indirect_jump). */
export function indirectJump(e: Emitter, reg: number): void {
  const how = e.profile.features.indirectJump;
  if (typeof how === "object") return jumpTo(e, e.symbol(`${how.thunk}_${REG_NAMES[reg]}`));
  if (how === "inline-retpoline") return retpoline(e, reg);
  if (how === "lfence") lfence(e.c);
  jmpReg(e.c, reg);
  if (how === "int3") int3(e.c);
}

/** The 17 bytes that the JIT wrote out itself (RETPOLINE_RCX_BPF_JIT, asm/nospec-branch.h): a ret that is a jump to the register. */
function retpoline(e: Emitter, reg: number): void {
  const { c } = e;
  call(c, 7); // e8 07 00 00 00: to the mov
  const trap = c.pos;
  c.note("speculation stays here");
  pause(c); // f3 90
  lfence(c); // 0f ae e8
  jmp8(c, trap - (c.pos + 2)); // eb f9
  c.note("the return address becomes the target");
  storeAtRsp(c, reg); // 48 89 0c 24
  c.mark(OWN_STORE);
  jumpByRet(c); // c3
}

/** `ret` as the CPU's mitigation wants it (emit_return). */
export function emitReturn(e: Emitter): void {
  const how = e.profile.features.ret;
  if (typeof how === "object") return jumpTo(e, e.symbol(how.thunk));
  ret(e.c);
  if (how === "int3") int3(e.c);
}
