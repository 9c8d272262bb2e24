import type { Insn } from "../../bpf/insn.ts";
import {
  BPF_ALU64,
  BPF_K,
  BPF_MOV,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_MAP_FD,
  BPF_PSEUDO_MAP_VALUE,
  BPF_X,
  CALL,
  LD_IMM64,
} from "../../bpf/opcode.ts";
import type { Reloc } from "../../bpf/program.ts";

/** Writes the instructions of one function. */
export class CodeWriter {
  readonly insns: Insn[] = [];
  readonly relocs: Reloc[] = [];
  /** calls of the program's functions, by their index */
  readonly calls: { at: number; callee: number }[] = [];

  get at(): number {
    return this.insns.length;
  }

  put(code: number, dst: number, src = 0, off = 0, imm = 0): void {
    this.insns.push({ code, dst, src, off, imm });
  }

  move(dst: number, imm: number): void {
    this.put(BPF_ALU64 | BPF_MOV | BPF_K, dst, 0, 0, imm);
  }

  copy(dst: number, src: number): void {
    this.put(BPF_ALU64 | BPF_MOV | BPF_X, dst, src);
  }

  wide(dst: number, low: number, high: number, src = 0): void {
    this.put(LD_IMM64, dst, src, 0, low);
    this.put(0, 0, 0, 0, high);
  }

  map(dst: number, map: string): void {
    this.relocs.push({ insn: this.at, kind: "map", map });
    this.wide(dst, 0, 0, BPF_PSEUDO_MAP_FD);
  }

  value(dst: number, map: string, off: number): void {
    this.relocs.push({ insn: this.at, kind: "value", map, off });
    this.wide(dst, 0, off, BPF_PSEUDO_MAP_VALUE);
  }

  helper(id: number): void {
    this.put(CALL, 0, 0, 0, id);
  }

  call(callee: number): void {
    this.calls.push({ at: this.at, callee });
    this.put(CALL, 0, BPF_PSEUDO_CALL);
  }

  /** A jump whose distance land() fills in. */
  jump(code: number, dst = 0, src = 0, imm = 0): number {
    this.put(code, dst, src, 0, imm);
    return this.at - 1;
  }

  land(jump: number): void {
    this.insns[jump].off = this.at - jump - 1;
  }
}
