import type { Insn } from "../../bpf/insn.ts";
import * as O from "../../bpf/opcode.ts";
import { isTailCall } from "../../bpf/verifier/functions.ts";
import type { WrittenProgram } from "./write.ts";

/** How programs call each other: one bit each. */
export const SHAPES = [
  "call",
  "direct tail call",
  "indirect tail call",
  "tail call in a subprogram",
  "tail call below a frame",
  "update between runs",
  "tracing program attached",
] as const;

const SHAPE_BITS = SHAPES.length;
const VARIANT_SHIFT = 8;

/** What of an instruction tells it apart from others of its opcode: signed, sign-extending, the atomic operation. */
function variant({ code, off, imm }: Insn): number {
  const cls = O.classOf(code);
  if (cls === O.BPF_STX && O.modeOf(code) === O.BPF_ATOMIC)
    return imm === O.BPF_LOAD_ACQ ? 62 : imm === O.BPF_STORE_REL ? 63 : ((imm & 0xff) >> 2) ^ (imm & 1);
  if (cls !== O.BPF_ALU && cls !== O.BPF_ALU64) return 0;
  if (O.opOf(code) === O.BPF_END) return imm >> 4;
  return off > 1 ? off >> 3 : off;
}

/** Numbers that stand for an instruction in a shape: what a program covers. */
export function coverageOf(program: WrittenProgram): Set<number> {
  const shape = shapeOf(program);
  const covered = new Set<number>();
  for (const { insns } of program.programs)
    for (let slot = 0; slot < insns.length; slot++) {
      const insn = insns[slot];
      covered.add((((variant(insn) << VARIANT_SHIFT) | insn.code) << SHAPE_BITS) | shape);
      if (insn.code === O.LD_IMM64) slot++;
    }
  return covered;
}

export const opcodeIn = (covered: number): number => covered >> SHAPE_BITS;
export const shapeIn = (covered: number): number => covered & ((1 << SHAPE_BITS) - 1);

function shapeOf({ programs, tracers, steps }: WrittenProgram): number {
  let shape = (steps.some(({ kind }) => kind === "slot") ? 32 : 0) | (tracers.length ? 64 : 0);
  for (const { insns, functions } of programs) {
    const behind = functions[1]?.start ?? insns.length;
    insns.forEach((insn, slot) => {
      if (insn.code === O.CALL && insn.src === O.BPF_PSEUDO_CALL) shape |= 1;
      if (!isTailCall(insn)) return;
      shape |=
        insns.slice(0, slot).findLast(({ dst }) => dst === 3)?.code === (O.BPF_ALU64 | O.BPF_MOV | O.BPF_K) ? 2 : 4;
      if (slot >= behind) shape |= 8;
      if (functions.length > 2 && slot >= functions[2].start) shape |= 16;
    });
  }
  return shape;
}

/** What has been covered on each profile. */
export class Coverage {
  /** profile -> numbers as coverageOf() has them */
  readonly covered = new Map<string, { pairs: Set<number>; opcodes: Set<number>; shapes: Set<number> }>();

  /** Adds; true where an opcode or a shape is new on that profile. */
  add(profile: string, numbers: Iterable<number>): boolean {
    const known = this.covered.get(profile) ?? { pairs: new Set(), opcodes: new Set(), shapes: new Set() };
    this.covered.set(profile, known);
    const before = known.opcodes.size + known.shapes.size;
    for (const number of numbers) {
      known.pairs.add(number);
      known.opcodes.add(opcodeIn(number));
      known.shapes.add(shapeIn(number));
    }
    return known.opcodes.size + known.shapes.size > before;
  }

  /** Opcodes, shapes, and pairs of them, of one profile. */
  counts(profile: string): { opcodes: number; shapes: number; pairs: number } {
    const known = this.covered.get(profile);
    return { opcodes: known?.opcodes.size ?? 0, shapes: known?.shapes.size ?? 0, pairs: known?.pairs.size ?? 0 };
  }
}
