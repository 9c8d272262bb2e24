import type { Instruction } from "iced-x86";
import { iced } from "../import/x86/iced.ts";
import { u64 } from "./symbolic.ts";

/** base + index * scale + displacement; registers by x86-64's numbers, undefined: none. `segment`: through gs. */
export interface MemoryOperand {
  base?: number;
  index?: number;
  scale: number;
  displacement: bigint;
  segment: boolean;
}

export type Operand =
  | { kind: "register"; index: number }
  | { kind: "memory"; memory: MemoryOperand }
  | { kind: "immediate"; value: bigint };

/**
 * One machine instruction as far as the memo follows values through it. `other`: what it reads is pinned down, what it writes
 * is a constant.
 */
export interface Insn {
  op:
    | "nothing"
    | "mov"
    | "lea"
    | "add"
    | "sub"
    | "xadd"
    | "zero"
    | "push"
    | "pop"
    | "leave"
    | "call"
    | "ret"
    | "jmp"
    | "jcc"
    | "other";
  /** bytes of the operation */
  size: number;
  operands: Operand[];
  /** address of the next instruction in memory */
  next: bigint;
  /** registers read, and written in part or in full; for `other` */
  reads: number[];
  writes: number[];
  readsFlags: boolean;
  writesFlags: boolean;
  text: string;
}

/** Decode the instruction that `bytes` starts with; `bytes` may hold more. */
export function decodeInsn(bytes: Uint8Array, pc: bigint): Insn {
  const { Decoder, DecoderOptions, Instruction } = iced();
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = pc;
  const insn = new Instruction();
  decoder.decodeOut(insn);
  try {
    return describe(insn);
  } finally {
    insn.free();
    decoder.free();
  }
}

function describe(insn: Instruction): Insn {
  const operands = operandsOf(insn);
  const size = operands ? sizeOf(insn) : 0;
  return {
    op: operands ? opOf(insn, size, operands) : "other",
    size,
    operands: operands ?? [],
    next: insn.nextIP,
    ...registersOf(insn),
    readsFlags: insn.rflagsRead !== 0,
    writesFlags: insn.rflagsModified !== 0,
    text: insn.toString(),
  };
}

function opOf(insn: Instruction, size: number, operands: Operand[]): Insn["op"] {
  const { FlowControl, Mnemonic } = iced();
  switch (insn.flowControl) {
    case FlowControl.UnconditionalBranch:
    case FlowControl.IndirectBranch:
      return "jmp";
    case FlowControl.ConditionalBranch:
      return "jcc";
    case FlowControl.Call:
    case FlowControl.IndirectCall:
      return "call";
    case FlowControl.Return:
      return "ret";
  }
  const [first, second] = operands;
  const same = first?.kind === "register" && second?.kind === "register" && first.index === second.index;
  const wide = size === 8 || size === 4;
  switch (insn.mnemonic) {
    case Mnemonic.Nop:
    case Mnemonic.Endbr64:
    case Mnemonic.Lfence:
      return "nothing";
    case Mnemonic.Mov:
      return wide ? "mov" : "other";
    case Mnemonic.Lea:
      return size === 8 ? "lea" : "other";
    case Mnemonic.Add:
    case Mnemonic.Inc:
      return wide ? "add" : "other";
    case Mnemonic.Sub:
      return same ? "zero" : wide ? "sub" : "other";
    case Mnemonic.Dec:
      return wide ? "sub" : "other";
    case Mnemonic.Xadd:
      return wide ? "xadd" : "other";
    case Mnemonic.Xor:
      return same && wide ? "zero" : "other";
    case Mnemonic.Push:
      return size === 8 ? "push" : "other";
    case Mnemonic.Pop:
      return size === 8 ? "pop" : "other";
    case Mnemonic.Leave:
      return "leave";
    default:
      return "other";
  }
}

/** Bytes of the first operand. */
function sizeOf(insn: Instruction): number {
  const { MemorySizeExt, Mnemonic, OpKind, RegisterExt } = iced();
  if (insn.mnemonic === Mnemonic.Push || insn.mnemonic === Mnemonic.Pop) return Math.abs(insn.stackPointerIncrement);
  if (!insn.opCount) return 0;
  if (insn.opKind(0) === OpKind.Register) return RegisterExt.size(insn.opRegister(0));
  return insn.opKind(0) === OpKind.Memory ? MemorySizeExt.size(insn.memorySize) : 0;
}

/** Undefined: an operand that is neither a general register, nor memory, nor an immediate. */
function operandsOf(insn: Instruction): Operand[] | undefined {
  const { FlowControl, OpKind } = iced();
  if (insn.flowControl !== FlowControl.Next && insn.opCount && insn.opKind(0) === OpKind.NearBranch64) return [];
  const operands: Operand[] = [];
  for (let i = 0; i < insn.opCount; i++) {
    const kind = insn.opKind(i);
    if (kind === OpKind.Register) {
      const index = gpr(insn.opRegister(i));
      if (index === undefined) return undefined;
      operands.push({ kind: "register", index });
    } else if (kind === OpKind.Memory) operands.push({ kind: "memory", memory: memoryOf(insn) });
    else if (kind >= OpKind.Immediate8 && kind <= OpKind.Immediate32to64)
      operands.push({ kind: "immediate", value: u64(BigInt(insn.immediate(i))) });
    else return undefined;
  }
  return operands;
}

function memoryOf(insn: Instruction): MemoryOperand {
  const { Register } = iced();
  const relative = insn.isIpRelMemoryOperand;
  return {
    ...(relative ? {} : { base: gpr(insn.memoryBase) }),
    index: gpr(insn.memoryIndex),
    scale: insn.memoryIndexScale,
    displacement: relative ? insn.ipRelMemoryAddress : u64(insn.memoryDisplacement),
    segment: insn.memorySegment === Register.GS || insn.memorySegment === Register.FS,
  };
}

/** Number of the general register that contains this one, 0 to 15. */
function gpr(register: number): number | undefined {
  const { Register, RegisterExt } = iced();
  const full = RegisterExt.fullRegister(register);
  return full >= Register.RAX && full <= Register.R15 ? full - Register.RAX : undefined;
}

function registersOf(insn: Instruction): { reads: number[]; writes: number[] } {
  const { InstructionInfoFactory, OpAccess, RegisterExt } = iced();
  const factory = new InstructionInfoFactory();
  const info = factory.info(insn);
  const reads = new Set<number>();
  const writes = new Set<number>();
  for (const used of info.usedRegisters()) {
    const index = gpr(used.register);
    const { access } = used;
    const whole = RegisterExt.size(used.register) >= 4 && access === OpAccess.Write;
    used.free();
    if (index === undefined || access === OpAccess.NoMemAccess) continue;
    const written = access !== OpAccess.Read && access !== OpAccess.CondRead;
    if (!whole) reads.add(index);
    if (written) writes.add(index);
  }
  info.free();
  factory.free();
  return { reads: [...reads], writes: [...writes] };
}
