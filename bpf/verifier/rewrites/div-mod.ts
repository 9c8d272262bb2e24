import * as O from "../../opcode.ts";
import type { Env, KInsn } from "../env.ts";
import { alu32Reg, ja, jmp, mov32, mov32Reg, mov64Reg } from "../insns.ts";

const isDivision = (insn: KInsn): boolean => {
  const cls = O.classOf(insn.code);
  const op = O.opOf(insn.code);
  return (cls === O.BPF_ALU || cls === O.BPF_ALU64) && (op === O.BPF_DIV || op === O.BPF_MOD);
};

/** x / -1 and x % -1 would trap on the smallest number: -x and 0 (6.12). */
function byMinusOne(insn: KInsn): KInsn[] {
  const neg = { code: O.classOf(insn.code) | O.BPF_NEG | O.BPF_K, dst: insn.dst, src: 0, off: 0, imm: 0 };
  return O.opOf(insn.code) === O.BPF_DIV ? [neg] : [mov32(insn.dst, 0)];
}

/** Signed division by a register: 0 for / 0, x for % 0, and no trap for the smallest number by -1 (6.12). AX holds divisor + 1. */
function signed(insn: KInsn, AX: number): KInsn[] {
  const is64 = O.classOf(insn.code) === O.BPF_ALU64;
  const [cls, jcls] = is64 ? [O.BPF_ALU64, O.BPF_JMP] : [O.BPF_ALU, O.BPF_JMP32];
  const alu = (op: number, dst: number, imm: number): KInsn => ({ code: cls | op | O.BPF_K, dst, src: 0, off: 0, imm });
  const jump = (op: number, off: number, imm: number): KInsn => ({
    code: jcls | op | O.BPF_K,
    dst: AX,
    src: 0,
    off,
    imm,
  });
  const divisorPlus1 = [mov64Reg(AX, insn.src), alu(O.BPF_ADD, AX, 1)];
  if (O.opOf(insn.code) === O.BPF_DIV)
    return [
      ...divisorPlus1,
      jump(O.BPF_JGT, 4, 1),
      jump(O.BPF_JEQ, 1, 0),
      alu(O.BPF_MOV, insn.dst, 0),
      alu(O.BPF_NEG, insn.dst, 0),
      ja(1),
      insn,
    ];
  const tail = is64 ? [] : [ja(1), mov32Reg(insn.dst, insn.dst)];
  return [
    ...divisorPlus1,
    jump(O.BPF_JGT, 3, 1),
    jump(O.BPF_JEQ, is64 ? 3 : 4, 1),
    mov32(insn.dst, 0),
    ja(1),
    insn,
    ...tail,
  ];
}

/** Unsigned division by a register: 0 for / 0, x for % 0. */
function unsigned(insn: KInsn): KInsn[] {
  const is64 = O.classOf(insn.code) === O.BPF_ALU64;
  const jump = (op: number, off: number): KInsn => ({
    code: (is64 ? O.BPF_JMP : O.BPF_JMP32) | op | O.BPF_K,
    dst: insn.src,
    src: 0,
    off,
    imm: 0,
  });
  if (O.opOf(insn.code) === O.BPF_DIV)
    return [jump(O.BPF_JNE, 2), alu32Reg(O.BPF_XOR, insn.dst, insn.dst), ja(1), insn];
  const tail = is64 ? [] : [ja(1), mov32Reg(insn.dst, insn.dst)];
  return [jump(O.BPF_JEQ, is64 ? 1 : 2), insn, ...tail];
}

/** The same before 5.11: 32-bit division cuts the divisor first and compares all of it. */
function unsignedByMov32(insn: KInsn): KInsn[] {
  const cut = O.classOf(insn.code) === O.BPF_ALU64 ? [] : [mov32Reg(insn.src, insn.src)];
  if (O.opOf(insn.code) === O.BPF_DIV)
    return [...cut, jmp(O.BPF_JNE, insn.src, 0, 2), alu32Reg(O.BPF_XOR, insn.dst, insn.dst), ja(1), insn];
  return [...cut, jmp(O.BPF_JEQ, insn.src, 0, 1), insn];
}

/** Division and remainder that cannot trap: what the JIT gets needs no guard of its own. Null: nothing to rewrite. */
export function guardDivision(env: Env, insn: KInsn): KInsn[] | null {
  const { divisionGuards, regAx } = env.kernel;
  if (divisionGuards === "none" || !isDivision(insn)) return null;
  const isSigned = insn.off === 1 && divisionGuards === "signed";
  if (!O.isX(insn.code)) return isSigned && insn.imm === -1 ? byMinusOne(insn) : null;
  if (divisionGuards === "mov32") return unsignedByMov32(insn);
  return isSigned ? signed(insn, regAx) : unsigned(insn);
}
