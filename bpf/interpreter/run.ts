import { MemoryFault } from "../memory.ts";
import {
  BPF_ALU,
  BPF_ALU64,
  BPF_CALL,
  BPF_END,
  BPF_EXIT,
  BPF_JA,
  BPF_JCOND,
  BPF_JMP32,
  BPF_LD,
  BPF_LDX,
  BPF_MEM,
  BPF_MOV,
  BPF_ST,
  BPF_STX,
  BPF_TAIL_CALL,
  BPF_X,
  bytesOf,
  EXIT,
  JA,
  JA32,
  LD_IMM64,
  NOSPEC,
} from "../opcode.ts";
import { Access } from "./access.ts";
import { alu32 } from "./alu32.ts";
import { alu64 } from "./alu64.ts";
import { byteOrder } from "./byteorder.ts";
import { type Code, codeOf } from "./code.ts";
import { compare32, compare64 } from "./compare.ts";
import { exitFunction, transfer } from "./control.ts";
import { ExecutionFault, type Fault } from "./fault.ts";
import { Frames } from "./frames.ts";
import type { Outcome } from "./outcome.ts";
import { Registers } from "./registers.ts";
import { type Runnable, UnknownHelper } from "./runnable.ts";
import type { Settings } from "./settings.ts";
import { loadPacket, loadSpecial, loadWide, moveAddress, storeSpecial } from "./special.ts";

const R0 = 0;

/** One run: registers, frames, and where control is. */
export class Run {
  readonly settings: Settings;
  readonly regs = new Registers();
  readonly access: Access;
  readonly frames: Frames;
  code: Code;
  pc = 0;
  /** taken */
  tailCalls = 0;
  /** counted: what the limit is held against */
  counted = 0;

  constructor(settings: Settings, program: Runnable, args: readonly bigint[]) {
    this.settings = settings;
    this.access = new Access(settings.memory, settings.byteOrder === "little");
    this.frames = new Frames(settings.stackTop, settings.frameSize, settings.mayGoto);
    this.code = codeOf(program);
    this.frames.push(this.regs, this.code, 0, 0);
    args.forEach((arg, i) => {
      this.regs.unsigned[1 + i] = arg;
    });
  }

  /** Executes until the outermost function exits, the budget is used up or an instruction cannot be executed. */
  execute(): Outcome {
    const { regs, access, settings } = this;
    const { budget } = settings;
    const isLittle = settings.byteOrder === "little";
    const r = regs.half;
    let code = this.code;
    let pc = 0;
    let left = budget;
    try {
      while (left > 0) {
        left--;
        const op = code.code[pc];
        const d = 2 * code.dst[pc];
        const s = 2 * code.src[pc];
        const off = code.off[pc];
        const imm = code.imm[pc];
        switch (op & 0x07) {
          case BPF_ALU64:
            if ((op & 0xf0) === BPF_END) byteOrder(regs, op, d >> 1, imm, isLittle);
            else if (!(op & BPF_X)) alu64(regs, op & 0xf0, d >> 1, imm, imm >> 31, off);
            else if (op === (BPF_ALU64 | BPF_MOV | BPF_X) && (off === 1 || off === -1))
              moveAddress(this, d, s, off, imm);
            else alu64(regs, op & 0xf0, d >> 1, r[s], r[s + 1], off);
            pc++;
            break;
          case BPF_ALU:
            if ((op & 0xf0) === BPF_END) byteOrder(regs, op, d >> 1, imm, isLittle);
            else {
              r[d] = alu32(op & 0xf0, r[d], op & BPF_X ? r[s] : imm, off);
              r[d + 1] = 0;
            }
            pc++;
            break;
          case BPF_LDX:
            if ((op & 0xe0) === BPF_MEM) {
              access.load(r[s], r[s + 1], off, bytesOf(op));
              r[d] = access.lo;
              r[d + 1] = access.hi;
            } else loadSpecial(this, op, d, s, off);
            pc++;
            break;
          case BPF_STX:
            if ((op & 0xe0) === BPF_MEM) access.store(r[d], r[d + 1], off, bytesOf(op), r[s], r[s + 1]);
            else storeSpecial(this, op, d, s, off, imm);
            pc++;
            break;
          case BPF_ST:
            if ((op & 0xe0) === BPF_MEM) access.store(r[d], r[d + 1], off, bytesOf(op), imm, imm >> 31);
            else if (op !== NOSPEC) storeSpecial(this, op, d, s, off, imm);
            pc++;
            break;
          case BPF_LD:
            if (op === LD_IMM64) {
              loadWide(this, code, pc, d);
              pc = Math.min(pc + 2, code.length);
            } else if (loadPacket(this, op, s, imm)) pc++;
            else {
              if (exitFunction(this)) return this.#exit(budget - left);
              ({ code, pc } = this);
            }
            break;
          case BPF_JMP32: {
            const taken = op === JA32 || compare32(op & 0xf0, r[d], op & BPF_X ? r[s] : imm);
            pc = taken ? code.target[pc] : pc + 1;
            break;
          }
          default: // BPF_JMP
            switch (op & 0xf0) {
              case BPF_CALL:
              case BPF_EXIT:
              case BPF_JCOND:
              case BPF_TAIL_CALL:
                this.pc = pc;
                if (op === EXIT ? exitFunction(this) : transfer(this, op)) return this.#exit(budget - left);
                ({ code, pc } = this);
                break;
              case BPF_JA:
                if (op === JA) pc = code.target[pc];
                else {
                  this.pc = pc;
                  transfer(this, op);
                  ({ code, pc } = this);
                }
                break;
              default: {
                const taken =
                  op & BPF_X
                    ? compare64(op & 0xf0, r[d], r[d + 1], r[s], r[s + 1])
                    : compare64(op & 0xf0, r[d], r[d + 1], imm, imm >> 31);
                pc = taken ? code.target[pc] : pc + 1;
              }
            }
        }
      }
    } catch (error) {
      const fault = faultOf(error, code, pc);
      return { kind: "fault", fault, instructions: budget - left, tailCalls: this.tailCalls };
    }
    return { kind: "budget", program: code.program, slot: pc, instructions: budget, tailCalls: this.tailCalls };
  }

  #exit(instructions: number): Outcome {
    return { kind: "exit", r0: this.regs.unsigned[R0], instructions, tailCalls: this.tailCalls };
  }
}

function faultOf(error: unknown, code: Code, slot: number): Fault {
  const { program } = code;
  if (slot >= code.length) return { reason: "jump", message: "control left the program", program, slot };
  if (error instanceof MemoryFault) return { reason: "memory", message: error.message, program, slot };
  if (error instanceof UnknownHelper) return { reason: "helper", message: error.message, program, slot };
  if (error instanceof ExecutionFault) return { reason: error.reason, message: error.message, program, slot };
  throw error;
}
