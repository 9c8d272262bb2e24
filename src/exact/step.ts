import type { Insn, MemoryOperand, Operand } from "./insn.ts";
import { Refused, type State } from "./state.ts";
import { constant, type Expr, low32, RSP, u32, u64 } from "./symbolic.ts";

/** One executed instruction: registers before it, and its memory accesses in order. */
export interface Executed {
  insn: Insn;
  before(register: number): bigint;
  /** registers after it */
  after(register: number): bigint;
  accesses: readonly Access[];
  gsBase: bigint;
}

/** `value`: what was read, or is stored. */
export interface Access {
  address: bigint;
  size: number;
  write: boolean;
  value: bigint;
}

const RBP = 5;

/** Follow one instruction. Throws Refused. */
export function follow(state: State, step: Executed): void {
  const { insn } = step;
  if (insn.readsFlags && !state.pinFlags()) throw new Refused(`${insn.text} depends on flags from before the call`);
  switch (insn.op) {
    case "nothing":
    case "jcc":
      return;
    case "mov":
      return write(state, step, insn.operands[0], read(state, step, insn.operands[1]));
    case "lea":
      return setRegister(state, insn.operands[0], addressOf(state, step, memoryOf(insn.operands[1])));
    case "add":
    case "sub":
      return addOrSub(state, step);
    case "xadd":
      return exchangeAdd(state, step);
    case "zero":
      setRegister(state, insn.operands[0], constant(0n));
      return state.setFlags();
    case "push":
      return push(state, step, read(state, step, insn.operands[0]));
    case "pop":
      return write(state, step, insn.operands[0], pop(state, step));
    case "leave":
      state.registers[RSP] = state.register(RBP, step.before(RBP));
      state.registers[RBP] = pop(state, step);
      return;
    case "call":
      if (insn.operands.length) state.pin(read(state, step, insn.operands[0]));
      return push(state, step, constant(insn.next));
    case "jmp":
      if (insn.operands.length) state.pin(read(state, step, insn.operands[0]));
      return;
    case "ret":
      state.pin(pop(state, step));
      return;
    case "other":
      return pinAll(state, step);
  }
}

/** The target of a ret, taken from the stack. */
export function followReturn(state: State, step: Executed): Expr {
  return pop(state, step);
}

const register = (state: State, step: Executed, index: number): Expr => state.register(index, step.before(index));

function memoryOf(operand: Operand): MemoryOperand {
  if (operand.kind !== "memory") throw new Refused("an operand is not in memory");
  return operand.memory;
}

/** base + index * scale + displacement; an index is pinned down. */
function addressOf(state: State, step: Executed, { base, index, scale, displacement, segment }: MemoryOperand): Expr {
  let address = constant(u64(displacement + (segment ? step.gsBase : 0n)));
  if (index !== undefined) {
    const offset = u64(state.pin(register(state, step, index)) * BigInt(scale));
    address = constant(u64(address.value + offset));
  }
  return base === undefined ? address : state.sum(register(state, step, base), address.value, 8);
}

function read(state: State, step: Executed, operand: Operand): Expr {
  const { size } = step.insn;
  switch (operand.kind) {
    case "immediate":
      return constant(size === 4 ? u32(operand.value) : operand.value);
    case "register": {
      const value = register(state, step, operand.index);
      return size === 4 ? low32(value) : value;
    }
    case "memory": {
      const access = step.accesses.find((candidate) => !candidate.write);
      if (!access) throw new Refused(`${step.insn.text} is not seen to read memory`);
      return state.load(addressOf(state, step, operand.memory), access.size, access.value);
    }
  }
}

function write(state: State, step: Executed, operand: Operand, value: Expr): void {
  if (operand.kind === "register") return setRegister(state, operand, value);
  state.store(addressOf(state, step, memoryOf(operand)), step.insn.size, value);
}

function setRegister(state: State, operand: Operand, value: Expr): void {
  if (operand.kind === "register") state.registers[operand.index] = value;
}

function addOrSub(state: State, step: Executed): void {
  const { insn } = step;
  const [target, operand] = insn.operands;
  const size = insn.size as 4 | 8;
  let sum = read(state, step, target);
  let by = operand ? read(state, step, operand) : constant(1n);
  if (insn.op === "add" && sum.input < 0) [sum, by] = [by, sum];
  const delta = state.pin(by);
  const result = state.sum(sum, insn.op === "add" ? delta : -delta, size);
  state.setFlags(sum);
  write(state, step, target, result);
}

/** lock xadd: the register gets what was there */
function exchangeAdd(state: State, step: Executed): void {
  const { insn } = step;
  const [target, source] = insn.operands;
  const old = read(state, step, target);
  const by = state.pin(read(state, step, source));
  state.setFlags(old);
  write(state, step, target, state.sum(old, by, insn.size as 4 | 8));
  setRegister(state, source, old);
}

function push(state: State, step: Executed, value: Expr): void {
  const rsp = state.sum(register(state, step, RSP), -8n, 8);
  state.store(rsp, 8, value);
  state.registers[RSP] = rsp;
}

function pop(state: State, step: Executed): Expr {
  const access = step.accesses.find((candidate) => !candidate.write);
  if (!access) throw new Refused(`${step.insn.text} is not seen to read the stack`);
  const rsp = register(state, step, RSP);
  const value = state.load(rsp, 8, access.value);
  state.registers[RSP] = state.sum(rsp, 8n, 8);
  return value;
}

/** Nothing is known of the instruction but what it touches. */
function pinAll(state: State, step: Executed): void {
  const { insn, accesses } = step;
  const memory = insn.operands.find((operand) => operand.kind === "memory");
  if (accesses.length && !memory) throw new Refused(`nobody taught the memo ${insn.text}`);
  const address = memory && addressOf(state, step, memory.memory);
  const inAddress = memory ? [memory.memory.base, memory.memory.index] : [];
  for (const index of insn.reads)
    if (!inAddress.includes(index) || usedAsOperand(insn, index)) state.pin(register(state, step, index));
  for (const access of accesses) {
    const at = state.sum(address!, access.address - address!.value, 8);
    if (access.write) state.store(at, access.size, constant(access.value));
    else state.pin(state.load(at, access.size, access.value));
  }
  for (const index of insn.writes) state.registers[index] = constant(step.after(index));
  if (insn.writesFlags) state.setFlags();
}

/** A register that is part of the address may be an operand, too. */
const usedAsOperand = (insn: Insn, index: number): boolean =>
  insn.writes.includes(index) ||
  insn.operands.some((operand) => operand.kind === "register" && operand.index === index);
