import { FLOW_CALL, FLOW_DIRECT, type Image, POKED, STACK_PUSH } from "../bpf/image.ts";
import { Allocator } from "./allocator.ts";
import {
  type Engine,
  GS_BASE,
  MARK_BY_DIRECT,
  MARK_BY_INDIRECT,
  MARK_BY_RET,
  MARK_DIRECT,
  MARK_INSN,
  MARK_RET,
  MARK_SP_UP,
  MARK_WATCH_SHIFT,
  PROT_EXEC,
  PROT_READ,
  PROT_WRITE,
  RFLAGS,
  RIP,
  RSP,
  type Stop,
  type Watch,
} from "./engine.ts";
import { type EntryState, entryPattern } from "./entry.ts";
import { ARGUMENTS, HostCalls } from "./host.ts";
import {
  DIRECT_MAP_SIZE,
  JIT_SIZE,
  KERNEL_BASES,
  KERNEL_DATA,
  type MachineLayout,
  RETURN_TO_KERNEL,
  TEXT_BASE,
  TEXT_SIZE,
} from "./layout.ts";
import type { KernelCode } from "./machine-code.ts";
import { markOf, marksOf } from "./marks.ts";
import { GuestMemory } from "./memory.ts";
import { PERCPU_AREA_SIZE, PercpuAreas } from "./percpu.ts";
import { outJumps, type PlacedFunction, watchedPoints } from "./placed.ts";
import { type EventKind, EventStream } from "./recording.ts";
import { SymbolTable } from "./symbols.ts";
import { TailCalls } from "./tail-calls.ts";
import { createTask, fillTask, TASK_STRUCT_SIZE, type Task } from "./task.ts";
import { kernelCode } from "./text.ts";

export interface MachineOptions {
  layout: MachineLayout;
  engine: Engine;
  /** number of CPUs, default 1 */
  cpus?: number;
  /** indirect branches must find an endbr64 where they arrive (CONFIG_X86_KERNEL_IBT); default: they need none */
  ibt?: boolean;
  /** ranges that a capture's addresses are in, to be mapped beside the usual ones */
  regions?: { start: bigint; size: bigint; prot: number }[];
}

/** Images share a mapping, as they do in a bpf_prog_pack: each mapping costs more than the pages in it. */
const PACK_SIZE = 0x10000n;

const ENDBR64 = [0xf3, 0x0f, 0x1e, 0xfa];

/** The modelled kernel around one engine: memory, symbols, CPUs, tasks, code. Deterministic. */
export class Machine {
  readonly engine: Engine;
  readonly layout: MachineLayout;
  readonly memory: GuestMemory;
  readonly symbols: SymbolTable;
  readonly percpu: PercpuAreas;
  readonly tasks: Task[] = [];
  readonly functions: PlacedFunction[] = [];
  readonly events: EventStream;
  /** tail calls taken since the last prepare() */
  readonly tailCallCounts = new TailCalls();
  /** a tail call beyond this many of one entry ends the run where it lands */
  tailCallLimit = Number.POSITIVE_INFINITY;
  /** instructions that a text poke is about to write, by address */
  readonly poking = new Map<bigint, Uint8Array>();
  /** objects of the direct map: maps, contexts, struct bpf_prog */
  readonly heap: Allocator;
  readonly #jit: Allocator;
  readonly #byEntry = new Map<bigint, PlacedFunction>();
  readonly #provided = new Map<string, KernelCode>();
  readonly #ibt: boolean;
  readonly host: HostCalls;
  /** a plain `ret` in kernel text */
  readonly returnInstruction: bigint;
  /** bpf_func -> where an indirect call goes instead, and what it brings */
  readonly #checked = new Map<bigint, { address: bigint; register: number; hash: number }>();
  #cpu = 0;
  #task: Task;

  constructor(options: MachineOptions) {
    const { engine, layout, cpus = 1, ibt = false } = options;
    this.engine = engine;
    this.#ibt = ibt;
    this.layout = layout;
    this.memory = new GuestMemory(engine);
    this.events = new EventStream(engine);
    for (const region of options.regions ?? []) this.memory.ensure(region.start, region.size, region.prot);
    const textBase = layout.textBase ?? TEXT_BASE;
    this.memory.ensure(textBase, TEXT_SIZE, PROT_READ | PROT_EXEC);
    const { directMap, jit } = layout.bases ?? KERNEL_BASES;
    this.memory.ensure(directMap, DIRECT_MAP_SIZE, PROT_READ | PROT_WRITE);
    this.symbols = new SymbolTable(new Allocator("kernel text", textBase, TEXT_SIZE), layout.symbols);
    this.heap = new Allocator("the direct map", directMap + 0x1000n, DIRECT_MAP_SIZE - 0x1000n);
    this.#jit = new Allocator("the JIT region", jit, JIT_SIZE);
    const { start, up } = layout.percpu;
    if (up) this.memory.ensure(start, PERCPU_AREA_SIZE, PROT_READ | PROT_WRITE);
    const areas = up ? [start] : Array.from({ length: cpus }, () => this.heap.take(PERCPU_AREA_SIZE, 4096));
    this.percpu = new PercpuAreas(layout.percpu, this.memory, areas);
    this.host = new HostCalls(this);
    this.returnInstruction = this.#installReturns();
    this.#task = this.addTask();
    this.schedule(0, this.#task);
  }

  get cpu(): number {
    return this.#cpu;
  }

  get task(): Task {
    return this.#task;
  }

  addTask(): Task {
    const task = createTask(
      this.engine,
      this.memory,
      this.tasks.length,
      this.heap.take(TASK_STRUCT_SIZE, 64),
      this.layout.bases?.stack,
    );
    fillTask(this.memory, this.layout.structs, task, (size) => this.heap.take(size, 64));
    this.tasks.push(task);
    return task;
  }

  /** Make `task` current on `cpu`, and that CPU the one that runs. */
  schedule(cpu: number, task: Task): void {
    this.#cpu = cpu;
    this.#task = task;
    this.percpu.set(cpu, "current_task", 8, task.address);
    this.engine.regs[GS_BASE] = this.percpu.offsets[cpu];
    this.engine.tag = (BigInt(task.pid) << 32n) | BigInt(cpu);
  }

  /** Address of a kernel symbol, putting its code, its model or its value there on the first request. */
  symbol(name: string): bigint {
    const percpu = this.layout.percpu.symbols[name];
    if (percpu !== undefined) return percpu;
    const plus = name.lastIndexOf("+0x");
    if (plus > 0) return this.symbol(name.slice(0, plus)) + BigInt(name.slice(plus + 1));
    if (this.symbols.has(name)) return this.symbols.address(name);
    const code = this.#provided.get(name) ?? this.#kernelCode(name);
    const address = this.symbols.address(name, code?.bytes.length);
    this.#install(name, address, code);
    return address;
  }

  /** The machine code of a kernel function, placed when its address is asked for. */
  provide(name: string, code: KernelCode): void {
    this.#provided.set(name, code);
  }

  /** Put code or model of a symbol at the address that it was given. */
  installAt(name: string, address: bigint): void {
    this.symbols.define(name, address);
    this.#install(name, address, this.#kernelCode(name));
  }

  /** Whether the machine knows what that kernel function does. */
  models(name: string): boolean {
    return this.host.has(name) || this.#kernelCode(name) !== undefined;
  }

  #kernelCode(name: string): KernelCode | undefined {
    return kernelCode(
      name,
      (symbol) => this.layout.percpu.symbols[symbol],
      (symbol) => this.symbol(symbol),
    );
  }

  #install(name: string, address: bigint, code: KernelCode | undefined): void {
    const data = KERNEL_DATA[name];
    if (data !== undefined) {
      this.memory.ensure(address, 8n, PROT_READ);
      this.memory.store(address, 8, data);
    } else if (code) {
      const marks = marksOf(code);
      marks[0] |= MARK_BY_DIRECT | MARK_BY_INDIRECT;
      this.memory.ensure(address, BigInt(code.bytes.length), PROT_READ | PROT_EXEC);
      this.engine.write(address, code.bytes);
      this.engine.mark(address, marks);
    } else this.#installHost(name, address);
  }

  /** A host function is a `ret` with a watch in front of it. */
  #installHost(name: string, address: bigint): void {
    const id = this.events.add({ kinds: ["host"], name }, { event: true, call: () => this.host.enter(name) });
    this.#placeReturn(address, MARK_BY_DIRECT | MARK_BY_INDIRECT | (id << MARK_WATCH_SHIFT));
  }

  /** The `ret` that ends a host function after a callback, and the one that callbacks return to. */
  #installReturns(): bigint {
    const plain = this.symbols.address("(ret)");
    this.#placeReturn(plain, 0);
    const stub = this.symbols.address("(callback return)");
    const id = this.events.add(
      { kinds: ["resume"], name: "(callback return)" },
      { event: true, call: () => this.host.resumed() },
    );
    this.#placeReturn(stub, MARK_BY_RET | (id << MARK_WATCH_SHIFT));
    this.host.returnStub = stub;
    return plain;
  }

  #placeReturn(address: bigint, mark: number): void {
    this.memory.ensure(address, 1n, PROT_READ | PROT_EXEC);
    this.engine.write(address, Uint8Array.of(0xc3));
    this.engine.mark(address, Uint32Array.of((MARK_INSN | MARK_RET | MARK_SP_UP | mark) >>> 0));
  }

  /** Room for an image of that many bytes in the JIT region. */
  allocateCode(bytes: number): bigint {
    const address = this.#jit.take(bytes, 64);
    const pack = address & ~(PACK_SIZE - 1n);
    this.memory.ensure(
      pack,
      (address - pack + BigInt(bytes) + PACK_SIZE - 1n) & ~(PACK_SIZE - 1n),
      PROT_READ | PROT_EXEC,
    );
    return address;
  }

  /** Copy an image to its address and watch its entry, landing, body and return sites. */
  place(image: Image): PlacedFunction {
    const placed: PlacedFunction = {
      index: this.functions.length,
      image,
      entry: image.address + BigInt(image.entry),
      marks: marksOf(image),
      attached: false,
    };
    this.functions.push(placed);
    this.#byEntry.set(placed.entry, placed);
    this.memory.ensure(image.address, BigInt(image.bytes.length), PROT_READ | PROT_EXEC);
    this.engine.write(image.address, image.bytes);
    const { marks } = placed;
    for (const offset of [image.entry, image.landing])
      if (offset !== undefined) marks[offset] |= MARK_BY_DIRECT | (this.#lands(image, offset) ? MARK_BY_INDIRECT : 0);
    if (image.checked) {
      marks[0] |= MARK_BY_INDIRECT;
      this.#checked.set(placed.entry, { address: image.address, ...image.checked });
    }
    for (let i = 0; i < image.starts.length; i++) if (image.flags[i] & POKED) marks[image.starts[i]] |= MARK_DIRECT;
    if (image.trampoline) for (const { to } of outJumps(image.trampoline)) marks[to] |= MARK_BY_DIRECT;
    const ids = new Map<string, number>();
    for (const [offset, kinds] of watchedPoints(image)) {
      const id = ids.get(kinds.join()) ?? this.#watchFunction(placed, kinds);
      ids.set(kinds.join(), id);
      marks[offset] |= id << MARK_WATCH_SHIFT;
    }
    this.engine.mark(image.address, marks);
    return placed;
  }

  /** All functions that are placed are gone: nothing calls them any more, and nothing else comes where they were. */
  unload(): void {
    this.functions.length = 0;
    this.#byEntry.clear();
    this.#checked.clear();
  }

  /** May an indirect branch arrive at that offset? */
  #lands({ bytes }: Image, offset: number): boolean {
    return !this.#ibt || ENDBR64.every((byte, i) => bytes[offset + i] === byte);
  }

  /** A watch id for points of a function. */
  #watchFunction(func: PlacedFunction, kinds: EventKind[]): number {
    const watch: Watch = { event: true };
    if (kinds.includes("land")) Object.assign(watch, { transfersOnly: true, call: () => this.#landed() });
    return this.events.add({ kinds, name: func.image.name, func }, watch);
  }

  /**
   * Rewrite a function's patch site into a call of, or a jump to, a trampoline, which returns behind it, or calls on from
   * there.
   */
  attach(func: PlacedFunction, site: number, bytes: Uint8Array): void {
    this.engine.write(func.image.address + BigInt(site), bytes);
    this.prepareAttach(func, site, bytes);
  }

  /** Expect what attach() writes, which somebody is about to write. */
  prepareAttach(func: PlacedFunction, site: number, bytes: Uint8Array): void {
    const { image, marks } = func;
    func.attached = true;
    marks[site] |= markOf(bytes[0] === 0xe8 ? FLOW_DIRECT | FLOW_CALL | STACK_PUSH : FLOW_DIRECT);
    this.#watchBehind(func, site + bytes.length);
    this.engine.mark(image.address, marks);
  }

  /** Behind an attached patch site trampolines return, and call. */
  #watchBehind(func: PlacedFunction, offset: number): void {
    const { marks } = func;
    marks[offset] |= MARK_BY_DIRECT | MARK_BY_INDIRECT | MARK_BY_RET;
    const known = this.events.watched[marks[offset] >>> MARK_WATCH_SHIFT];
    if (known?.kinds.includes("reenter")) return;
    const id = this.events.add(
      { kinds: [...(known?.kinds ?? []), "resume", "reenter"], name: func.image.name, func },
      { event: true },
    );
    marks[offset] = ((marks[offset] & ((1 << MARK_WATCH_SHIFT) - 1)) | (id << MARK_WATCH_SHIFT)) >>> 0;
  }

  /** A tail call is about to land: count it, and stop at the first past the limit. */
  #landed(): "stop" | undefined {
    return this.tailCallCounts.take() > this.tailCallLimit ? "stop" : undefined;
  }

  /** Tail calls taken since the last prepare(). */
  get tailCalls(): number {
    return this.tailCallCounts.total;
  }

  /** The function whose bytes cover an address, and the offset into it. */
  functionAt(address: bigint): { func: PlacedFunction; offset: number } | undefined {
    for (const func of this.functions) {
      const offset = address - func.image.address;
      if (offset >= 0n && offset < BigInt(func.image.bytes.length)) return { func, offset: Number(offset) };
    }
    return undefined;
  }

  /** Address of the call instruction that returns there; undefined: nothing placed does. */
  callSite(returnAddress: bigint): bigint | undefined {
    const at = this.functionAt(returnAddress - 1n);
    const start = at?.func.image.starts.findLast((offset) => offset <= at.offset);
    return at && start !== undefined ? at.func.image.address + BigInt(start) : undefined;
  }

  /** Set up the registers for a call from the kernel into a program; its return address goes to `rsp`. */
  prepare(state: EntryState, rsp: bigint = this.#task.stackHigh): void {
    const { regs } = this.engine;
    this.tailCallCounts.reset();
    this.host.reset();
    for (let reg = 0; reg < 16; reg++) regs[reg] = entryPattern(reg);
    if (this.#byEntry.get(state.entry)?.image.runCtx) rsp = this.#runCtx(state.context, rsp);
    else regs[7] = state.context;
    if (state.second !== undefined) regs[6] = state.second;
    if (state.args) rsp = this.#passArguments(state.args, rsp);
    regs[RSP] = rsp;
    this.callIndirectly(state.entry);
    regs[RFLAGS] = 0x202n;
    this.memory.store(rsp, 8, RETURN_TO_KERNEL);
  }

  /** As a C function's caller does; returns where its return address goes. */
  #passArguments(args: readonly bigint[], rsp: bigint): bigint {
    const { regs } = this.engine;
    args.slice(0, ARGUMENTS.length).forEach((value, i) => {
      regs[ARGUMENTS[i]] = value;
    });
    const onStack = args.slice(ARGUMENTS.length);
    const first = (rsp - BigInt(8 * onStack.length)) & ~15n;
    onStack.forEach((value, i) => {
      this.memory.store(first + BigInt(8 * i), 8, value);
    });
    return onStack.length ? first - 8n : rsp;
  }

  /** Go to a function as the kernel calls it through a pointer: FineIBT is handed a hash, in front of bpf_func. */
  callIndirectly(entry: bigint): void {
    const { regs } = this.engine;
    const checked = this.#checked.get(entry);
    regs[RIP] = checked?.address ?? entry;
    if (checked) regs[checked.register] = BigInt(checked.hash);
  }

  /** A struct bpf_tail_call_run_ctx above the return address, and the count that it points to; returns where that address goes. */
  #runCtx(context: bigint, rsp: bigint): bigint {
    const at = rsp - 24n;
    this.memory.store(at, 8, context);
    this.memory.store(at + 8n, 8, at + 16n);
    this.memory.store(at + 16n, 8, 0n);
    this.engine.regs[7] = at;
    return at - 8n;
  }

  /** Run from the registers as they are until the program returns to the kernel, or stops. */
  resume(budget: number): Stop {
    return this.engine.run({ until: RETURN_TO_KERNEL, budget });
  }

  close(): void {
    this.engine.close();
  }
}
