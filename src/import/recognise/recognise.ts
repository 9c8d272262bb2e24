import { type ExtableEntry, FLOW_CALL, type Image, POKED } from "../../../bpf/image.ts";
import { isCall, lastS32, type Piece, type Pieces, takeApart } from "./code.ts";
import { type Prologue, readPrologue } from "./prologue.ts";
import { type FoundTailCall, findTailCalls } from "./tail-calls.ts";

/** A direct call or jump out of a function. Offsets in bytes from its start, `to` is an address. */
export interface Leaving {
  at: number;
  to: bigint;
  /** return: in place of ret; thunk: in place of an indirect jump through `register`; jump: another, such as from a patch site */
  kind: "call" | "return" | "thunk" | "jump";
  register?: string;
}

/** A function of a dump, and what its bytes tell. Offsets in bytes from bytes[0]. */
export interface Recognised {
  name: string;
  /** of bytes[0] */
  address: bigint;
  bytes: Uint8Array;
  pieces: Pieces;
  /** undefined: it begins like no kernel's JIT's functions */
  prologue?: Prologue;
  tailCalls: FoundTailCall[];
  leaving: Leaving[];
  /** 64-bit constants that look like addresses of kernel data */
  data: { at: number; address: bigint }[];
  /** displacements of gs-relative accesses */
  percpu: { at: number; offset: bigint; adds: boolean }[];
  /** constants that are addresses of code or data of the kernel or of BPF: callbacks, jiffies */
  constants: bigint[];
  /** loads that may fault, and go on with zero */
  probes: ExtableEntry[];
  /** first byte of the code that undoes the frame; the code's end where there is none */
  epilogue: number;
}

/** What the bytes of one function tell. */
export function recognise(name: string, address: bigint, bytes: Uint8Array): Recognised {
  const pieces = takeApart(bytes);
  const prologue = readPrologue(pieces);
  const tailCalls = findTailCalls(pieces);
  const found: Recognised = {
    name,
    address,
    bytes,
    pieces,
    tailCalls,
    leaving: pieces.pieces.flatMap((_, i) => leavingOf(pieces, i, address)),
    data: pieces.pieces.flatMap(dataOf),
    percpu: pieces.pieces.flatMap((piece) => percpuOf(piece, address)),
    constants: pieces.pieces.flatMap(constantOf),
    probes: pieces.pieces.flatMap((_, i) => probeOf(pieces, i)),
    epilogue: epilogueOf(pieces),
  };
  return prologue ? { ...found, prologue } : found;
}

const LEAVE = "c9";
const POPS = /^(5b|415[cdef])$/;
const REGISTERS = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"];

function leavingOf({ pieces, bytes }: Pieces, i: number, address: bigint): Leaving[] {
  const piece = pieces[i];
  const { target, at, hex } = piece;
  if (target === undefined || (target >= 0 && target <= bytes.length)) return [];
  const to = BigInt.asUintN(64, address + BigInt(target));
  if (isCall(piece)) return [{ at, to, kind: "call" }];
  const before = pieces[i - 1]?.hex ?? "";
  if (!hex.startsWith("e9")) return [{ at, to, kind: "jump" }];
  if (before === LEAVE) return [{ at, to, kind: "return" }];
  const [, register] = /^4883c([0-7])/.exec(before) ?? [];
  if (register) return [{ at, to, kind: "thunk", register: REGISTERS[Number(register)] }];
  return [{ at, to, kind: "jump" }];
}

/** mov reg, imm64 of what lies where the kernel keeps its data: the direct map, vmalloc and per-CPU memory */
function dataOf({ hex, at }: Piece): { at: number; address: bigint }[] {
  if (!/^4[89]b[89a-f]/.test(hex) || hex.length !== 20) return [];
  const address = Buffer.from(hex.slice(4), "hex").readBigUInt64LE();
  return address >> 40n >= 0xff0000n && address < 0xffffffff00000000n ? [{ at, address }] : [];
}

/** mov reg, imm of what lies in the upper 4 GiB: the kernel's own code and data, and BPF's */
function constantOf(piece: Piece): bigint[] {
  const { hex } = piece;
  const value = /^4[89]c7c/.test(hex)
    ? BigInt.asUintN(64, BigInt(lastS32(piece)))
    : /^4[89]b[89a-f]/.test(hex) && hex.length === 20
      ? Buffer.from(hex.slice(4), "hex").readBigUInt64LE()
      : 0n;
  return value >= KERNEL_IMAGE && value < VSYSCALL ? [value] : [];
}

const KERNEL_IMAGE = 0xffffffff80000000n;
const VSYSCALL = 0xffffffffff600000n;

/** BPF_PROBE_MEM: ja over the next two; xor reg, reg; jmp over the load; the load */
function probeOf({ pieces }: Pieces, i: number): ExtableEntry[] {
  const [over, clear, past, load] = pieces.slice(i, i + 4);
  if (!load || over.target !== load.at || !/^(77|73)/.test(over.hex) || past.target !== load.at + load.length)
    return [];
  const [, rex, modrm] = /^(4[5])?31(..)$/.exec(clear.hex) ?? [];
  if (!modrm) return [];
  const register = (Number.parseInt(modrm, 16) & 7) | (rex ? 8 : 0);
  return [{ offset: load.at, length: load.length, clear: register }];
}

/** 65 ..: gs-relative, by a 32-bit address (sib 25) or relative to the next instruction (modrm xx000101b). */
function percpuOf({ hex, at, length }: Piece, address: bigint): { at: number; offset: bigint; adds: boolean }[] {
  const [, opcode, modrm, rest] = /^65(?:4[0-9a-f])?(0fb6|0fb7|..)(..)(.*)$/.exec(hex) ?? [];
  if (modrm === undefined) return [];
  const absolute = (Number.parseInt(modrm, 16) & 0xc7) === 0x04 && rest.startsWith("25") && rest.length >= 10;
  const relative = (Number.parseInt(modrm, 16) & 0xc7) === 0x05 && rest.length >= 8;
  if (!absolute && !relative) return [];
  const displacement = Buffer.from(rest.slice(absolute ? 2 : 0, absolute ? 10 : 8), "hex").readInt32LE();
  const offset = BigInt(displacement) + (relative ? address + BigInt(at + length) : 0n);
  return [{ at, offset: BigInt.asIntN(64, offset), adds: opcode === "03" }];
}

function epilogueOf({ pieces, bytes }: Pieces): number {
  const leave = pieces.findIndex(({ hex }, i) => hex === LEAVE && /^(c3|e9)/.test(pieces[i + 1]?.hex ?? ""));
  if (leave < 0) return bytes.length;
  let first = leave;
  while (first > 0 && POPS.test(pieces[first - 1].hex)) first--;
  return pieces[first].at;
}

/** The function as the machine runs it. */
export function imageOf(found: Recognised): Image {
  const { name, address, pieces, prologue, tailCalls, epilogue } = found;
  const sites = new Set(tailCalls.flatMap(({ bypass, target }) => [bypass, target]));
  const entry = prologue?.entry ?? 0;
  const body = prologue?.body ?? 0;
  const landing = prologue?.role === "exception-callback" ? undefined : prologue?.landing;
  const patchSite = prologue?.patchSite;
  return {
    name,
    address,
    bytes: withoutTrampoline(found),
    entry,
    ...(prologue?.preamble === "FineIBT" ? { checked: checkOf(pieces) } : {}),
    ...(patchSite === undefined ? {} : { patchSite }),
    ...(landing === undefined ? {} : { landing }),
    body,
    ends: Int32Array.of(body),
    starts: pieces.pieces.map(({ at }) => at),
    flags: pieces.pieces.map(({ at, flags }) =>
      at === patchSite ? 0 : sites.has(at) ? (flags & ~FLOW_CALL) | POKED : flags,
    ),
    notes: new Map(),
    tailCalls: tailCalls.map(({ kind, start, out }, insn) => ({ insn, kind, start, out })),
    pokes: [],
    extable: found.probes,
    epilogue,
    passes: [],
  };
}

const NOP5 = [0x0f, 0x1f, 0x44, 0x00, 0x00];

/** A trampoline that was attached is not in the dump. */
function withoutTrampoline({ bytes, prologue }: Recognised): Uint8Array {
  if (prologue?.trampoline === undefined || prologue.patchSite === undefined) return bytes;
  const plain = bytes.slice();
  plain.set(NOP5, prologue.patchSite);
  return plain;
}

/** The hash that FineIBT compares: sub eax, imm32 (2d) or sub r10d, imm32 (41 81 ea). */
function checkOf({ pieces }: Pieces): { register: number; hash: number } {
  const { hex } = pieces[1];
  return { register: hex.startsWith("2d") ? 0 : 10, hash: Buffer.from(hex.slice(-8), "hex").readUInt32LE() };
}
