import type { Gap, Snapshot, State, Step } from "./data.ts";

/** x86-64's registers by number. */
export const REGISTERS = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");
const RSP = 4;
const U64 = (1n << 64n) - 1n;

export interface Word {
  /** hexadecimal, and what it means */
  value: string;
  place?: string;
}

export interface Frame {
  name: string;
  /** address of its return address */
  top: bigint;
}

/** The number of a value that may be followed by what it means. */
export const numberOf = (value: string): bigint => BigInt(`0x${value.split(" ", 1)[0]}`);

/** Registers, the stacks and the functions under way, as the recorded steps of a run make them. */
export class MachineState {
  regs: string[] = REGISTERS.map(() => "0");
  flags = 0;
  task = 0;
  /** quadwords by address */
  words = new Map<bigint, Word>();
  #frames = new Map<number, Frame[]>();

  get rsp(): bigint {
    return numberOf(this.regs[RSP]);
  }

  /** Functions under way in this task, outermost first. */
  get frames(): Frame[] {
    const { rsp } = this;
    return (this.#frames.get(this.task) ?? []).filter(({ top }) => top >= rsp);
  }

  apply(state: State): void {
    if ("gap" in state) this.#load(state);
    else this.#step(state);
  }

  #step({ r, w, f, a, s }: Step): void {
    if (s) {
      this.task = s.task;
      this.#setRegisters(s.r);
    }
    this.#arrive(a);
    if (r) this.#setRegisters(r);
    if (f !== undefined) this.flags = f;
    for (const [address, size, value, place] of w ?? []) this.#write(BigInt(`0x${address}`), size, value, place);
  }

  #setRegisters(values: Record<number, string>): void {
    for (const [reg, value] of Object.entries(values)) this.regs[Number(reg)] = value;
  }

  #arrive(arrival: Step["a"]): void {
    const { rsp } = this;
    let frames = this.#frames.get(this.task) ?? [];
    while (frames.length && frames[frames.length - 1].top < rsp) frames = frames.slice(0, -1);
    if (arrival?.[0] === "call") frames = [...frames, { name: arrival[1], top: rsp }];
    if (arrival?.[0] === "tail-call" && frames.length)
      frames = [...frames.slice(0, -1), { name: arrival[1], top: frames[frames.length - 1].top }];
    this.#frames.set(this.task, frames);
  }

  /** A write of less than a quadword changes that part of it. */
  #write(address: bigint, size: number, value: string, place?: string): void {
    const at = address & ~7n;
    if (size === 8 && at === address) {
      this.words.set(at, place === undefined ? { value } : { value, place });
      return;
    }
    for (let i = 0n; i < BigInt(size); i++) {
      const where = (address + i) & ~7n;
      const shift = 8n * ((address + i) & 7n);
      const byte = (numberOf(value) >> (8n * i)) & 0xffn;
      const old = this.words.get(where);
      const bits = ((old ? numberOf(old.value) : 0n) & ~(0xffn << shift) & U64) | (byte << shift);
      const name = old?.place ?? place;
      this.words.set(where, { value: bits.toString(16), ...(name === undefined ? {} : { place: name }) });
    }
  }

  /** All of it, without words that nobody needs: those below the stack pointer. */
  snapshot(): Snapshot {
    const { rsp, task, flags } = this;
    const words = [...this.words].filter(([address]) => address >= rsp);
    return {
      task,
      regs: [...this.regs],
      flags,
      words: words.map(([address, { value, place }]) =>
        place === undefined ? [address.toString(16), value] : [address.toString(16), value, place],
      ),
      frames: this.frames.map(({ name, top }) => [name, top.toString(16)]),
    };
  }

  #load({ task, regs, flags, words, frames }: Gap): void {
    this.task = task;
    this.regs = [...regs];
    this.flags = flags;
    this.words = new Map(
      words.map(([address, value, place]) => [
        BigInt(`0x${address}`),
        place === undefined ? { value } : { value, place },
      ]),
    );
    this.#frames = new Map([[task, frames.map(([name, top]) => ({ name, top: BigInt(`0x${top}`) }))]]);
  }
}
