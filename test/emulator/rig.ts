import { afterEach, describe } from "vitest";
import {
  type Engine,
  MARK_INSN,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  RDI,
  RIP,
  RSP,
  type RunOptions,
  type Stop,
} from "../../emulator/engine.ts";
import { NativeEngine, type NativeOptions } from "../../emulator/native/engine.ts";

/** A machine small enough to see at once: a page of code, four of stack, four of data. */
export const TEXT = 0xffffffffa0000000n;
export const STACK = 0xffffc90000000000n;
export const TOP = STACK + 0x4000n;
export const DATA = 0xff11000004e23000n;
/** Where the outermost `ret` leads. */
export const UNTIL = 0xdead0000n;

export const RW = PROT_READ | PROT_WRITE;
export const RX = PROT_READ | PROT_EXEC;

/** Machine code in hex, its assembly, and its marks beyond MARK_INSN. */
export type Line = [hex: string, text: string, marks?: number];

export interface Program {
  code: Uint8Array;
  marks: Uint32Array;
  /** Address of the line with this number. */
  line: bigint[];
}

export function program(lines: Line[], at = TEXT): Program {
  const code = Buffer.from(lines.map(([hex]) => hex.replaceAll(" ", "")).join(""), "hex");
  const marks = new Uint32Array(code.length);
  const line: bigint[] = [];
  let offset = 0;
  for (const [hex, , mark = 0] of lines) {
    marks[offset] = MARK_INSN | mark;
    line.push(at + BigInt(offset));
    offset += hex.replaceAll(" ", "").length / 2;
  }
  return { code, marks, line };
}

/** Puts code and marks at `at`; the addresses of its lines. */
export function load(engine: Engine, lines: Line[], at = TEXT): bigint[] {
  const { code, marks, line } = program(lines, at);
  engine.write(at, code);
  engine.mark(at, marks);
  return line;
}

const open: Engine[] = [];
afterEach(() => {
  for (const engine of open.splice(0)) engine.close();
});

/** Closed when the test ends. */
export function makeEngine(options: NativeOptions = {}): Engine {
  const engine = new NativeEngine(options);
  open.push(engine);
  return engine;
}

export interface Rig {
  engine: Engine;
  line: bigint[];
}

/** An engine about to execute `lines`, with rdi on the data page and a return address of UNTIL. */
export function rig(lines: Line[], options: NativeOptions = {}): Rig {
  const engine = makeEngine(options);
  engine.map(TEXT, 0x1000, RX);
  engine.map(STACK, 0x4000, RW);
  engine.map(DATA, 0x4000, RW);
  const line = load(engine, lines);
  begin(engine);
  return { engine, line };
}

/** Registers as for a call from outside to `entry`. */
export function begin(engine: Engine, entry = TEXT): void {
  engine.regs.fill(0n);
  engine.regs[RSP] = TOP - 8n;
  engine.regs[RDI] = DATA;
  engine.regs[RIP] = entry;
  poke(engine, TOP - 8n, UNTIL);
}

export function run(engine: Engine, options: Partial<RunOptions> = {}): Stop {
  return engine.run({ until: UNTIL, budget: 100_000, ...options });
}

export function peek(engine: Engine, addr: bigint): bigint {
  const bytes = engine.read(addr, 8);
  return new DataView(bytes.buffer).getBigUint64(0, true);
}

export function poke(engine: Engine, addr: bigint, value: bigint): void {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  engine.write(addr, bytes);
}

/** Stores are seen in two ways, and either must do. */
export const eachEngine = describe.each<[string, NativeOptions]>([
  ["", {}],
  ["(stores through hooks)", { storeHooks: true }],
]);
