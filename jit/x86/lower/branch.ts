import { OWN_STORE } from "../../../bpf/image.ts";
import { call, int3, jmp8, jmp32, jmpReg, jumpByRet, lfence, pause, ret } from "../encode/control.ts";
import { storeAtRsp } from "../encode/memory.ts";
import { type Fn, relative } from "../fn.ts";
import { REG_NAMES } from "../regs.ts";

/** jmp to an absolute address */
export function jumpTo(f: Fn, target: bigint): void {
  jmp32(f.c, relative(f, target));
}

/** `jmp reg` as the CPU's mitigation wants it (emit_indirect_jump). */
export function indirectJump(f: Fn, reg: number): void {
  const how = f.profile.features.indirectJump;
  if (typeof how === "object") return jumpTo(f, f.symbol(`${how.thunk}_${REG_NAMES[reg]}`));
  if (how === "inline-retpoline") return retpoline(f, reg);
  if (how === "lfence") lfence(f.c);
  jmpReg(f.c, reg);
  if (how === "int3") int3(f.c);
}

/** The 17 bytes that the JIT wrote out itself (RETPOLINE_RCX_BPF_JIT, asm/nospec-branch.h): a ret that is a jump to the register. */
function retpoline(f: Fn, reg: number): void {
  const { c } = f;
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
export function emitReturn(f: Fn): void {
  const how = f.profile.features.ret;
  if (typeof how === "object") return jumpTo(f, f.symbol(how.thunk));
  ret(f.c);
  if (how === "int3") int3(f.c);
}
