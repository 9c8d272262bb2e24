import type { Insn } from "../../../bpf/insn.ts";
import {
  BPF_LDX,
  BPF_MEM,
  BPF_MEMSX,
  BPF_PROBE_MEM,
  BPF_PROBE_MEM32,
  BPF_PROBE_MEM32SX,
  BPF_PROBE_MEMSX,
  BPF_ST,
  BPF_STX,
  bytesOf,
  classOf,
  modeOf,
} from "../../../bpf/opcode.ts";
import { JitError } from "../../error.ts";
import { lfence } from "../encode/control.ts";
import {
  load,
  loadIndexed,
  loadSigned,
  loadSignedIndexed,
  store,
  storeImm,
  storeImmIndexed,
  storeIndexed,
} from "../encode/memory.ts";
import type { Fn } from "../fn.ts";
import { R12 } from "../regs.ts";
import { probeLoad } from "./probe.ts";

/** BPF_ST | BPF_NOSPEC: speculation barrier */
const NOSPEC = BPF_ST | 0xc0;

/** There is nothing to extend in 8 bytes. */
const SIGNED = new Set([BPF_MEMSX, BPF_PROBE_MEMSX, BPF_PROBE_MEM32SX]);

/** Loads and stores, except atomics. dst and src are x86 registers. */
export function lowerMemory(f: Fn, insn: Insn, dst: number, src: number, slot: number): void {
  const { c } = f;
  const bytes = bytesOf(insn.code);
  const mode = modeOf(insn.code);
  const start = c.pos;
  switch (classOf(insn.code)) {
    case BPF_LDX:
      if (mode === BPF_MEM) return load(c, bytes, dst, src, insn.off);
      if (bytes === 8 && SIGNED.has(mode)) break;
      if (mode === BPF_MEMSX) return loadSigned(c, bytes, dst, src, insn.off);
      if (mode === BPF_PROBE_MEM || mode === BPF_PROBE_MEMSX)
        return probeLoad(f, bytes, mode === BPF_PROBE_MEMSX, dst, src, insn.off);
      if (mode === BPF_PROBE_MEM32) {
        loadIndexed(c, bytes, dst, src, R12, insn.off);
        return mayFault(f, start, dst);
      }
      if (mode === BPF_PROBE_MEM32SX) {
        loadSignedIndexed(c, bytes, dst, src, R12, insn.off);
        return mayFault(f, start, dst);
      }
      break;
    case BPF_ST:
      if (insn.code === NOSPEC) return lfence(c);
      if (mode === BPF_MEM) return storeImm(c, bytes, dst, insn.off, insn.imm);
      if (mode === BPF_PROBE_MEM32) {
        storeImmIndexed(c, bytes, dst, R12, insn.off, insn.imm);
        return mayFault(f, start);
      }
      break;
    case BPF_STX:
      if (mode === BPF_MEM) return store(c, bytes, dst, insn.off, src, f.profile.features.byteStoreSlip);
      if (mode === BPF_PROBE_MEM32) {
        storeIndexed(c, bytes, dst, R12, insn.off, src);
        return mayFault(f, start);
      }
      break;
  }
  throw new JitError(`${f.input.name}: unknown opcode 0x${insn.code.toString(16)}`, slot);
}

/** Exception table entry for the instruction that started at `start`; clear: the register that reads as zero then. */
export function mayFault(f: Fn, start: number, clear?: number): void {
  if (f.c.final) f.extable.push({ offset: start, length: f.c.pos - start, clear });
}
