/**
 * What the engine costs over Unicorn alone, on code like a BPF JIT's: 32 instructions with 16 memory accesses, a call, a
 * return and an indirect jump. Prints ratios to the bare Unicorn of the same process, as machines differ. To run it:
 *
 *     node tools/setup/native.mjs
 *     npx esbuild bench/engine.ts --bundle --platform=node --format=esm --outfile=dist/bench-engine.mjs
 *     node dist/bench-engine.mjs
 */
import {
  type Engine,
  MARK_BY_DIRECT,
  MARK_BY_INDIRECT,
  MARK_BY_RET,
  MARK_DIRECT,
  MARK_INDIRECT,
  MARK_INSN,
  MARK_PUSH,
  MARK_RET,
  MARK_SP_UP,
  MARK_WATCH_SHIFT,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  RCX,
  RDI,
  RIP,
  RSI,
  RSP,
} from "../emulator/engine.ts";
import { NativeEngine, type NativeOptions } from "../emulator/native/engine.ts";

const TEXT = 0xffffffffa0000000n;
const STACK = 0xffffc90000000000n;
const STACK_SIZE = 0x4000;
const MAP = 0xff11000004e23000n;
const UNTIL = 0xdead0000n;

const CALL = MARK_DIRECT | MARK_PUSH;
const ENTER = 1;
const LEAVE = 2;

/** Machine code, what it says, its marks beyond MARK_INSN. */
const CODE: [hex: string, text: string, marks?: number][] = [
  ["55", "push rbp", MARK_PUSH | MARK_BY_INDIRECT],
  ["4889e5", "mov rbp, rsp"],
  ["4883ec20", "sub rsp, 0x20"],
  ["53", "push rbx", MARK_PUSH],
  ["488945f8", "mov [rbp-8], rax"],
  ["4889c8", "mov rax, rcx"],
  ["48890f", "mov [rdi], rcx"],
  ["4889ca", "mov rdx, rcx"],
  ["4801c2", "add rdx, rax"],
  ["48895708", "mov [rdi+8], rdx"],
  ["31d0", "xor eax, edx"],
  ["48c1e003", "shl rax, 3"],
  ["e80a000000", "call +10", CALL],
  ["5b", "pop rbx", MARK_SP_UP | MARK_BY_RET],
  ["c9", "leave", MARK_SP_UP],
  ["48ffc9", "dec rcx"],
  ["7402", "je +2", MARK_DIRECT],
  ["ffe6", "jmp rsi", MARK_INDIRECT],
  ["c3", "ret", MARK_RET | MARK_BY_DIRECT],
  ["55", "push rbp", MARK_PUSH | MARK_BY_DIRECT | (ENTER << MARK_WATCH_SHIFT)],
  ["4889e5", "mov rbp, rsp"],
  ["53", "push rbx", MARK_PUSH],
  ["4883ec10", "sub rsp, 0x10"],
  ["488b4708", "mov rax, [rdi+8]"],
  ["4801c8", "add rax, rcx"],
  ["488945f0", "mov [rbp-16], rax"],
  ["488b55f0", "mov rdx, [rbp-16]"],
  ["4801d0", "add rax, rdx"],
  ["25ff000000", "and eax, 0xff"],
  ["4883c410", "add rsp, 0x10", MARK_SP_UP],
  ["5b", "pop rbx", MARK_SP_UP],
  ["5d", "pop rbp", MARK_SP_UP],
  ["c3", "ret", MARK_RET | (LEAVE << MARK_WATCH_SHIFT)],
];
const LOOP = 32;

interface Setup extends NativeOptions {
  guard?: boolean;
  events?: boolean;
  trace?: boolean;
}

function machine(setup: Setup): Engine {
  const engine = new NativeEngine(setup);
  const code = Buffer.from(CODE.map(([hex]) => hex).join(""), "hex");
  const marks = new Uint32Array(code.length);
  let at = 0;
  for (const [hex, , mark = 0] of CODE) {
    marks[at] = MARK_INSN | mark;
    at += hex.length / 2;
  }
  engine.map(TEXT, 0x1000, PROT_READ | PROT_EXEC);
  engine.map(STACK, STACK_SIZE, PROT_READ | PROT_WRITE);
  engine.map(MAP, 0x1000, PROT_READ | PROT_WRITE);
  engine.write(TEXT, code);
  engine.mark(TEXT, marks);
  if (setup.guard) engine.guardStack(STACK, STACK + BigInt(STACK_SIZE));
  if (setup.events) {
    engine.watch(ENTER, { event: true });
    engine.watch(LEAVE, { event: true });
  }
  return engine;
}

function start(engine: Engine, loops: number): void {
  const top = STACK + BigInt(STACK_SIZE) - 8n;
  engine.write(top, new Uint8Array(new BigUint64Array([UNTIL]).buffer));
  engine.regs[RSP] = top;
  engine.regs[RDI] = MAP;
  engine.regs[RSI] = TEXT;
  engine.regs[RCX] = BigInt(loops);
  engine.regs[RIP] = TEXT;
}

/** Microseconds of CPU time that this process has used: other load on the machine shall not count. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** Nanoseconds for one instruction. */
function speed(engine: Engine, loops: number, setup: Setup): number {
  start(engine, loops);
  const trace = setup.trace ? { steps() {}, accesses() {} } : undefined;
  const before = cpuTime();
  const stop = engine.run({ until: UNTIL, budget: Number.MAX_SAFE_INTEGER, trace });
  const took = cpuTime() - before;
  if (stop.kind !== "until") throw new Error(`stopped by ${stop.kind}`);
  return (took * 1000) / (loops * LOOP);
}

const CONFIGURATIONS: [string, Setup][] = [
  ["bare Unicorn", { bare: true }],
  ["marks", {}],
  ["marks, stack guard", { guard: true }],
  ["marks, stack guard, 2 events a call", { guard: true, events: true }],
  ["the same through Unicorn's hooks", { guard: true, events: true, storeHooks: true }],
  ["the same, traced", { guard: true, events: true, trace: true }],
];

function throughput(): void {
  const best = new Map<string, number>();
  const engines = CONFIGURATIONS.map(([name, setup]) => ({ name, setup, engine: machine(setup) }));
  for (let round = 0; round < 7; round++) {
    for (const { name, setup, engine } of engines) {
      const ns = speed(engine, setup.trace ? 3_000 : 20_000, setup);
      best.set(name, Math.min(best.get(name) ?? Number.POSITIVE_INFINITY, ns));
    }
  }
  for (const { engine } of engines) engine.close();
  const bare = best.get("bare Unicorn")!;
  console.log("code like a BPF JIT's".padEnd(38), "M/s".padStart(7), "of bare".padStart(9));
  for (const [name, ns] of best) {
    console.log(name.padEnd(38), (1000 / ns).toFixed(1).padStart(7), (bare / ns).toFixed(2).padStart(9));
  }
}

/** Microseconds for one call of `what`: the best of several rounds. */
function time(name: string, rounds: number, what: () => void): void {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    const before = cpuTime();
    for (let j = 0; j < rounds; j++) what();
    best = Math.min(best, (cpuTime() - before) / rounds);
  }
  console.log(name.padEnd(46), best.toFixed(2).padStart(9));
}

function latencies(): void {
  console.log("\nmicroseconds".padEnd(47), "each".padStart(9));
  time("create, map 3, write, mark, run, close", 200, () => {
    const engine = machine({ guard: true, events: true });
    start(engine, 1);
    engine.run({ until: UNTIL, budget: 1000 });
    engine.close();
  });

  const engine = machine({ guard: true, events: true });
  time("run() of 33 instructions", 5000, () => {
    start(engine, 1);
    engine.run({ until: UNTIL, budget: 1000 });
  });
  time("run() of one instruction", 5000, () => {
    start(engine, 1);
    engine.run({ until: UNTIL, budget: 1 });
  });

  engine.map(0xffff888100000000n, 16 << 20, PROT_READ | PROT_WRITE);
  engine.map(0xffffc90000100000n, 64 << 10, PROT_READ | PROT_WRITE);
  start(engine, 1);
  engine.run({ until: UNTIL, budget: 1000 });
  time("snapshot, restore, drop: nothing touched", 5000, () => {
    const snapshot = engine.snapshot();
    engine.restore(snapshot);
    engine.drop(snapshot);
  });
  const begin = engine.snapshot();
  const eight = new Uint8Array(8);
  time("touch 16 pages of stack, 4 of maps, restore", 5000, () => {
    for (let i = 0n; i < 16n; i++) engine.write(0xffffc90000100000n + (i << 12n), eight);
    for (let i = 0n; i < 4n; i++) engine.write(0xffff888100000000n + (i << 12n), eight);
    engine.restore(begin);
  });
  start(engine, 1);
  const ready = engine.snapshot();
  time("restore, run() of 33 instructions", 5000, () => {
    engine.restore(ready);
    engine.run({ until: UNTIL, budget: 1000 });
  });

  engine.watch(ENTER, { call() {} });
  time("100 watch calls into TypeScript", 100, () => {
    start(engine, 100);
    engine.run({ until: UNTIL, budget: 1_000_000 });
  });
  engine.close();
}

throughput();
latencies();
