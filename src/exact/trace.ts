import { ACCESS_WORDS, type Engine, GS_BASE, NREGS, STEP_WORDS, type Stop } from "../../emulator/engine.ts";
import { decodeInsn, type Insn } from "./insn.ts";
import type { Access, Executed } from "./step.ts";

const MAX_INSN = 15;

/** Runs the engine piece by piece and hands over what was executed, instruction by instruction. */
export class Tracer {
  readonly #engine: Engine;
  readonly #code = new Map<bigint, Insn>();
  #steps: BigUint64Array[] = [];
  #accesses: BigUint64Array[] = [];

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Run until the engine stops; `visit` sees every executed instruction with its address. */
  run(until: bigint, budget: number, visit: (step: Executed, pc: bigint) => void): Stop {
    this.#steps = [];
    this.#accesses = [];
    const stop = this.#engine.run({
      until,
      budget,
      trace: {
        steps: (records, count) => this.#steps.push(records.slice(0, count * STEP_WORDS)),
        accesses: (records, count) => this.#accesses.push(records.slice(0, count * ACCESS_WORDS)),
      },
    });
    this.#replay(visit);
    return stop;
  }

  #replay(visit: (step: Executed, pc: bigint) => void): void {
    const steps = join(this.#steps);
    const accesses = join(this.#accesses);
    const { regs } = this.#engine;
    const last = BigUint64Array.from(regs.subarray(0, NREGS));
    const gsBase = regs[GS_BASE];
    let access = 0;
    for (let at = 0; at < steps.length; at += STEP_WORDS) {
      const pc = steps[at];
      const icount = steps[at + 1];
      const own: Access[] = [];
      for (; access < accesses.length && accesses[access] <= icount; access += ACCESS_WORDS) {
        const word = accesses[access + 3];
        const write = word >> 32n !== 0n;
        const value = accesses[access + (write ? 5 : 4)];
        own.push({ address: accesses[access + 2], size: Number(word & 0xffffffffn), write, value });
      }
      const following = at + STEP_WORDS;
      visit(
        {
          insn: this.#insn(pc),
          before: (index) => steps[at + 4 + index],
          after: (index) => (following < steps.length ? steps[following + 4 + index] : last[index]),
          accesses: own,
          gsBase,
        },
        pc,
      );
    }
  }

  #insn(pc: bigint): Insn {
    let insn = this.#code.get(pc);
    if (!insn) {
      insn = decoded(this.#bytesAt(pc), pc);
      this.#code.set(pc, insn);
    }
    return insn;
  }

  /** Up to the longest instruction's bytes: fewer at the end of what is mapped. */
  #bytesAt(pc: bigint): Uint8Array {
    const left = 4096 - Number(pc & 0xfffn);
    try {
      return this.#engine.read(pc, MAX_INSN);
    } catch {
      return this.#engine.read(pc, Math.min(left, MAX_INSN));
    }
  }
}

/** What was decoded before, by address and bytes: one machine after another holds the same code. */
const known = new Map<string, Insn>();
const MOST_KNOWN = 20_000;

function decoded(bytes: Uint8Array, pc: bigint): Insn {
  const key = `${pc} ${Buffer.from(bytes).toString("latin1")}`;
  let insn = known.get(key);
  if (!insn) {
    if (known.size === MOST_KNOWN) known.clear();
    insn = decodeInsn(bytes, pc);
    known.set(key, insn);
  }
  return insn;
}

function join(parts: BigUint64Array[]): BigUint64Array {
  if (parts.length === 1) return parts[0];
  const all = new BigUint64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
