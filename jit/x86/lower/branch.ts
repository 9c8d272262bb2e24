import { int3, jmp32, jmpReg, lfence, ret } from "../encode/control.ts";
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
  if (how === "lfence") lfence(f.c);
  jmpReg(f.c, reg);
  if (how === "int3") int3(f.c);
}

/** `ret` as the CPU's mitigation wants it (emit_return). */
export function emitReturn(f: Fn): void {
  const how = f.profile.features.ret;
  if (typeof how === "object") return jumpTo(f, f.symbol(how.thunk));
  ret(f.c);
  if (how === "int3") int3(f.c);
}
