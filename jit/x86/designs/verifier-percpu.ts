import { OWN_STORE } from "../../../bpf/image.ts";
import type { Insn } from "../../../bpf/insn.ts";
import {
  BPF_ADD,
  BPF_ADDR_PERCPU,
  BPF_ALU64,
  BPF_JGE,
  BPF_JMP,
  BPF_K,
  BPF_LDX,
  BPF_MEM,
  BPF_MOV,
  BPF_STX,
  BPF_TAIL_CALL,
  BPF_W,
  BPF_X,
} from "../../../bpf/opcode.ts";
import { replaceInsns } from "../../replace.ts";
import { MAX_TAIL_CALL_CNT, type TailCallDesign } from "../design.ts";
import { nops } from "../encode/control.ts";

const RESET_SIZE = 12;
const COUNT = "bpf_tail_call_cnt";

/** The tail call with its count in front of it; R0 and R4 are free there, as a tail call scratches R0 to R5. */
function counted(tailCall: Insn, count: bigint, limit: number): Insn[] {
  const insn = (code: number, dst: number, src = 0, off = 0, imm = 0): Insn => ({ code, dst, src, off, imm });
  return [
    insn(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, Number(BigInt.asIntN(32, count))), // r0 = &bpf_tail_call_cnt
    insn(BPF_ALU64 | BPF_MOV | BPF_X, 0, 0, BPF_ADDR_PERCPU), //                     r0 = this CPU's
    insn(BPF_LDX | BPF_MEM | BPF_W, 4, 0), //                                        r4 = *(u32 *)(r0 + 0)
    insn(BPF_JMP | BPF_JGE | BPF_K, 4, 0, 3, limit), //                              if r4 >= 33 goto behind the tail call
    insn(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, 1), //                                r4 += 1
    insn(BPF_STX | BPF_MEM | BPF_W, 0, 4), //                                        *(u32 *)(r0 + 0) = r4
    { ...tailCall },
  ];
}

/**
 * An idea of the review of v3: the verifier emits the check, with a per-CPU address, so that a JIT only has to jump. The count must
 * still start somewhere that tail calls skip, and that only the JIT's prologue is.
 */
export const verifierPercpu: TailCallDesign = {
  name: "verifier-percpu",
  about: "a per-CPU u32 that BPF instructions of the verifier check and count up",
  landing: 9 + RESET_SIZE,

  rewrite: (input, symbol, profile) =>
    replaceInsns(input, (insn) =>
      insn.code === (BPF_JMP | BPF_TAIL_CALL)
        ? counted(insn, symbol(COUNT), profile.maxTailCalls ?? MAX_TAIL_CALL_CNT)
        : undefined,
    ),
  enter(f) {
    const { c } = f;
    if (!f.input.tailCallReachable || f.input.isSubprog) return nops(c, RESET_SIZE);
    c.note("this CPU's tail_call_cnt = 0");
    c.insn();
    c.u32(0x2504c765); // 65 c7 04 25: mov dword gs:[disp32], imm32
    c.u32(Number(BigInt.asIntN(32, f.symbol(COUNT))));
    c.u32(0);
    c.mark(OWN_STORE);
  },
  check() {},
};
