import fc from "fast-check";
import type { Insn } from "../../bpf/insn.ts";
import {
  BPF_ADD,
  BPF_ADDR_PERCPU,
  BPF_ALU64,
  BPF_B,
  BPF_CMPXCHG,
  BPF_DW,
  BPF_EXIT,
  BPF_FETCH,
  BPF_H,
  BPF_JMP,
  BPF_JMP32,
  BPF_LDX,
  BPF_MOV,
  BPF_PROBE_ATOMIC,
  BPF_PROBE_MEM,
  BPF_PROBE_MEM32,
  BPF_PROBE_MEM32SX,
  BPF_PROBE_MEMSX,
  BPF_PSEUDO_CALL,
  BPF_ST,
  BPF_STX,
  BPF_W,
  BPF_X,
  BPF_XCHG,
  CALL,
  classOf,
  EXIT,
  JA32,
  LD_IMM64,
  NOSPEC,
  opOf,
  TAIL_CALL,
} from "../../bpf/opcode.ts";
import type { JitFunction } from "../../jit/function.ts";
import { validInsns } from "../bpf/arbitraries.ts";
import { addressOf, functionOf } from "./x86/function.ts";

const register = fc.integer({ min: 0, max: 10 });
const off = fc.oneof(fc.constantFrom(0, 8, 127, 128, -128, -129), fc.integer({ min: -32768, max: 32767 }));
const imm = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const SIZES = [BPF_B, BPF_H, BPF_W, BPF_DW];

const insn = (codes: number[], fields: Partial<Record<keyof Insn, fc.Arbitrary<number>>> = {}): fc.Arbitrary<Insn> => {
  const zero = fc.constant(0);
  return fc.record({ code: fc.constantFrom(...codes), dst: zero, src: zero, off: zero, imm: zero, ...fields });
};
const sized = (code: number, sizes = SIZES): number[] => sizes.map((size) => code | size);
const memory = { dst: register, src: register, off };

/** What only a verifier writes. */
const internal: fc.Arbitrary<Insn> = fc.oneof(
  insn([TAIL_CALL], { imm: fc.constantFrom(0, 1, 2) }),
  insn([CALL], { src: fc.constantFrom(0, BPF_PSEUDO_CALL) }),
  insn([NOSPEC]),
  insn([BPF_ALU64 | BPF_MOV | BPF_X], { dst: register, src: register, off: fc.constant(BPF_ADDR_PERCPU) }),
  insn([BPF_ALU64 | BPF_MOV | BPF_X], { ...memory, off: fc.constant(1), imm: fc.constant(1 << 16) }),
  insn(
    [BPF_PROBE_MEM, BPF_PROBE_MEM32].flatMap((mode) => sized(BPF_LDX | mode)),
    memory,
  ),
  insn(
    [BPF_PROBE_MEMSX, BPF_PROBE_MEM32SX].flatMap((mode) => sized(BPF_LDX | mode, [BPF_B, BPF_H, BPF_W])),
    memory,
  ),
  insn(sized(BPF_STX | BPF_PROBE_MEM32), memory),
  insn(sized(BPF_ST | BPF_PROBE_MEM32), { dst: register, off, imm }),
  insn(sized(BPF_STX | BPF_PROBE_ATOMIC, [BPF_W, BPF_DW]), {
    ...memory,
    imm: fc.constantFrom(BPF_ADD, BPF_ADD | BPF_FETCH, BPF_XCHG, BPF_CMPXCHG),
  }),
);

/** A jump to a slot, conditional or not. */
export const isJump = ({ code }: Insn): boolean => {
  if (classOf(code) !== BPF_JMP && classOf(code) !== BPF_JMP32) return false;
  return ![CALL, EXIT, TAIL_CALL].includes(code) && opOf(code) !== BPF_EXIT;
};

/** Each jump goes to the start of some instruction, which its distance so far chooses. */
function jumpSomewhere(insns: readonly Insn[]): Insn[] {
  const starts = insns.map((_, slot) => slot).filter((slot) => insns[slot - 1]?.code !== LD_IMM64);
  return insns.map((from, slot) => {
    if (!isJump(from)) return from;
    const chosen = from.code === JA32 ? from.imm : from.off;
    const distance = starts[Math.abs(chosen) % starts.length] - slot - 1;
    return from.code === JA32 ? { ...from, imm: distance } : { ...from, off: distance };
  });
}

const exit: Insn = { code: EXIT, dst: 0, src: 0, off: 0, imm: 0 };

/** Functions of any instructions that a JIT may meet, with jumps inside, on any kind of frame. */
export const functions: fc.Arbitrary<JitFunction> = fc
  .record({
    parts: fc.array(
      fc.oneof(
        validInsns,
        internal.map((each) => [each]),
      ),
      { minLength: 1, maxLength: 8 },
    ),
    isSubprog: fc.boolean(),
    tailCallReachable: fc.boolean(),
    extraPass: fc.boolean(),
    stackDepth: fc.constantFrom(0, 4, 8, 512),
    frame: fc.constantFrom<Partial<JitFunction>>(
      {},
      { exceptionBoundary: true },
      { exceptionCallback: true },
      { privateStack: 0x600000001000n },
      { classic: true, unprivileged: true },
    ),
  })
  .map(({ parts, frame, ...setting }) => {
    const insns = jumpSomewhere([...parts.flat(), exit]);
    const calls = insns.flatMap(({ code, src }, slot): [number, bigint][] =>
      code === CALL ? [[slot, addressOf(src ? "subprog" : "bpf_ktime_get_ns")]] : [],
    );
    return {
      ...functionOf("exit"),
      ...setting,
      ...frame,
      insns,
      calls: new Map(calls),
      pokes: [0, 1].map((key) => ({ map: "jmp_table", key })),
      arena: { kernel: 0xffffc90000a00000n, user: 0x7f1234000000n },
    };
  });
