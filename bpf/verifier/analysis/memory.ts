import * as O from "../../opcode.ts";
import type { KInsn } from "../env.ts";
import { walkBtf } from "./btf.ts";
import { accessContext } from "./context.ts";
import { isPacketPointer, type Reg, scalarReg, typeName } from "./reg.ts";
import { auxAt, fail, put, type Run, use } from "./run.ts";
import { isConstant } from "./scalar/domain.ts";
import { stackRead, stackWrite } from "./stack.ts";

/** check_mem_region_access(): [off, off + size) from a pointer to `length` bytes. */
export function checkRegion(run: Run, ptr: Reg, off: number, size: number, length: number, what: string): void {
  const { smin, umax } = ptr.value;
  const at = ptr.off + off;
  if (smin < 0n && BigInt(at) + smin < 0n) fail(run, `${what}: min value is outside of the allowed memory range`);
  if (BigInt(at) + (smin < 0n ? smin : ptr.value.umin) < 0n)
    fail(run, `invalid access to ${what}, off=${at} size=${size}`);
  if (umax >= 1n << 29n) fail(run, `${what}: unbounded memory access, make sure to bounds check any such access`);
  if (BigInt(at) + umax + BigInt(size) > BigInt(length))
    fail(run, `invalid access to ${what}, ${what === "packet" ? "" : `value_size=${length} `}off=${at} size=${size}`);
}

/** May the program type write to packets (may_access_direct_pkt_data)? */
function checkPacketWrite(run: Run): void {
  const { type } = run.env.program;
  if (type !== 3 && type !== 6) fail(run, "cannot write into packet");
  run.env.seenDirectWrite = true;
}

/** Marks what kind of pointer the instruction goes through: it must be of one kind on all paths (save_aux_ptr_type). */
export function savePointerType(run: Run, ptr: Reg): void {
  const aux = auxAt(run);
  const plain = run.env.kernel.trustedPointers && (ptr.trust === "trusted" || ptr.trust === "rcu");
  const type = ptr.type === "ctx" ? "ctx" : ptr.type === "btf" && !plain ? "btf" : "other";
  if (aux.ptrType === "" || aux.ptrType === type) aux.ptrType = type;
  else if (ptr.type === "btf" && aux.ptrType !== "ctx") aux.ptrType = "btf";
  else if (type !== "other" || aux.ptrType === "ctx") fail(run, "same insn cannot be used with different pointers");
}

/** bpf_map_direct_read(): what stands at a known place of a map that nobody changes. */
function frozenValue(run: Run, ptr: Reg, off: number, size: number): Reg | null {
  const { frozen } = ptr.map!;
  if (!frozen || !run.env.kernel.frozenMaps || !isConstant(ptr.value)) return null;
  const at = ptr.off + off + Number(BigInt.asIntN(64, ptr.value.varOff.value));
  let value = 0n;
  for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(frozen[at + i] ?? 0);
  return scalarReg(run.S.constant(value));
}

/** check_mem_access() for a read; null: a scalar that nothing is known of. */
function readAt(run: Run, ptr: Reg, off: number, size: number, sx: boolean): Reg | null {
  if (ptr.maybeNull) fail(run, `invalid mem access '${typeName(ptr)}'`);
  switch (ptr.type) {
    case "stack":
      return stackRead(run, ptr, off, size);
    case "map_value":
      checkRegion(run, ptr, off, size, ptr.map!.valueSize, "map value");
      return frozenValue(run, ptr, off, size);
    case "map_key":
      checkRegion(run, ptr, off, size, ptr.map!.keySize, "map key");
      return null;
    case "mem":
      checkRegion(run, ptr, off, size, ptr.memSize, "memory");
      return null;
    case "ctx":
      return accessContext(run, ptr, off, size, false, sx);
    case "packet":
    case "packet_meta":
      checkRegion(run, ptr, off, size, ptr.range, "packet");
      return null;
    case "btf":
      return walkBtf(run, ptr, off, size);
    default:
      return fail(run, `invalid mem access '${typeName(ptr)}'`);
  }
}

function writeAt(run: Run, ptr: Reg, off: number, size: number, valueReg: number): void {
  if (ptr.maybeNull) fail(run, `invalid mem access '${typeName(ptr)}'`);
  switch (ptr.type) {
    case "stack":
      return stackWrite(run, ptr, off, size, valueReg);
    case "map_value":
      if (ptr.map!.frozen)
        fail(run, `write into map forbidden, value_size=${ptr.map!.valueSize} off=${ptr.off + off} size=${size}`);
      return checkRegion(run, ptr, off, size, ptr.map!.valueSize, "map value");
    case "mem":
      return checkRegion(run, ptr, off, size, ptr.memSize, "memory");
    case "ctx":
      accessContext(run, ptr, off, size, true, false);
      return;
    case "packet":
    case "packet_meta":
      checkPacketWrite(run);
      return checkRegion(run, ptr, off, size, ptr.range, "packet");
    case "map_key":
      return fail(run, "write to change key not allowed");
    case "btf":
      return fail(run, "only read is supported");
    default:
      return fail(run, `invalid mem access '${typeName(ptr)}'`);
  }
}

/** The register a load of `size` bytes leaves. */
function loaded(run: Run, from: Reg | null, size: number, sx: boolean): Reg {
  const r = from ?? scalarReg(run.S.unknown);
  if (r.type !== "scalar" || size === 8) return r;
  const value = sx ? run.S.signExtend(r.value, size) : run.S.truncate(r.value, size);
  return { ...r, value };
}

export function checkLoad(run: Run, insn: KInsn): void {
  const sx = O.modeOf(insn.code) === O.BPF_MEMSX;
  if (sx && !run.env.kernel.cpuV4) fail(run, "BPF_LDX uses reserved fields");
  if ((!sx && O.modeOf(insn.code) !== O.BPF_MEM) || insn.imm) fail(run, "BPF_LDX uses reserved fields");
  const ptr = use(run, insn.src);
  const size = O.bytesOf(insn.code);
  put(run, insn.dst, loaded(run, readAt(run, ptr, insn.off, size, sx), size, sx));
  savePointerType(run, ptr);
}

export function checkStore(run: Run, insn: KInsn): void {
  const immediate = O.classOf(insn.code) === O.BPF_ST;
  if (O.modeOf(insn.code) !== O.BPF_MEM || (immediate ? insn.src : insn.imm))
    fail(run, `BPF_ST${immediate ? "" : "X"} uses reserved fields`);
  if (!immediate) use(run, insn.src);
  const ptr = use(run, insn.dst);
  if (immediate && ptr.type === "ctx" && !run.env.kernel.ctxStoreImmediate)
    fail(run, `BPF_ST stores into R${insn.dst} ctx is not allowed`);
  writeAt(run, ptr, insn.off, O.bytesOf(insn.code), immediate ? -1 : insn.src);
  savePointerType(run, ptr);
}

const RMW = [O.BPF_ADD, O.BPF_AND, O.BPF_OR, O.BPF_XOR].flatMap((op) => [op, op | O.BPF_FETCH]);

function checkAtomicSize(run: Run, insn: KInsn, small: boolean): void {
  const size = O.sizeOf(insn.code);
  if (!small && size !== O.BPF_W && size !== O.BPF_DW) fail(run, "invalid atomic operand size");
}

/** check_atomic() */
export function checkAtomic(run: Run, insn: KInsn): void {
  const size = O.bytesOf(insn.code);
  if (!run.env.kernel.loadAcquire) {
    if (size < 4) fail(run, `unknown opcode ${insn.code.toString(16)}`);
    if (insn.imm === O.BPF_LOAD_ACQ || insn.imm === O.BPF_STORE_REL)
      fail(run, `BPF_ATOMIC uses invalid atomic opcode ${insn.imm.toString(16)}`);
  }
  if (insn.imm === O.BPF_LOAD_ACQ) {
    const ptr = atomicPointer(run, insn.src);
    put(run, insn.dst, loaded(run, readAt(run, ptr, insn.off, size, false), size, false));
    return savePointerType(run, ptr);
  }
  if (!run.env.kernel.atomics && insn.imm !== O.BPF_ADD) fail(run, "BPF_XADD uses reserved fields");
  use(run, insn.src);
  const ptr = atomicPointer(run, insn.dst);
  if (insn.imm === O.BPF_STORE_REL) {
    writeAt(run, ptr, insn.off, size, insn.src);
    return savePointerType(run, ptr);
  }
  checkAtomicSize(run, insn, false);
  const exchange = insn.imm === O.BPF_XCHG || insn.imm === O.BPF_CMPXCHG;
  if (!exchange && !RMW.includes(insn.imm))
    fail(run, `BPF_ATOMIC uses invalid atomic opcode ${(insn.imm >>> 0).toString(16)}`);
  if (insn.imm === O.BPF_CMPXCHG) use(run, 0);
  const to = insn.imm === O.BPF_CMPXCHG ? 0 : insn.imm & O.BPF_FETCH ? insn.src : -1;
  const old = readAt(run, ptr, insn.off, size, false);
  if (to >= 0) put(run, to, loaded(run, old, size, false));
  writeAt(run, ptr, insn.off, size, -1);
  savePointerType(run, ptr);
}

function atomicPointer(run: Run, regno: number): Reg {
  const ptr = use(run, regno);
  if (ptr.type === "ctx" || isPacketPointer(ptr) || ptr.type === "sock_common")
    fail(run, `BPF_ATOMIC stores into R${regno} ${typeName(ptr)} is not allowed`);
  return ptr;
}

/** check_helper_mem_access(): memory that a helper reads or writes. */
export function regionArgument(run: Run, ptr: Reg, size: number, write: boolean): void {
  if (ptr.type === "map_value") return checkRegion(run, ptr, 0, size, ptr.map!.valueSize, "map value");
  if (ptr.type === "mem") return checkRegion(run, ptr, 0, size, ptr.memSize, "memory");
  if (ptr.type === "map_key" && !write) return checkRegion(run, ptr, 0, size, ptr.map!.keySize, "map key");
  if (isPacketPointer(ptr)) return checkRegion(run, ptr, 0, size, ptr.range, "packet");
  fail(run, `type=${typeName(ptr)} expected=fp, pkt, pkt_meta, map_key, map_value, mem`);
}
