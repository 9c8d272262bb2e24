import { assemble } from "../../bpf/asm/assemble.ts";
import type { PokeSite } from "../../bpf/image.ts";
import {
  MAP_TYPE_PROG_ARRAY,
  type MapDef,
  PROG_TYPE_SCHED_CLS,
  PROG_TYPE_TRACING,
  type Program,
} from "../../bpf/program.ts";
import { verify } from "../../bpf/verifier/index.ts";
import type { Xlated } from "../../bpf/xlated.ts";
import { behaviourOf } from "../../emulator/behaviour.ts";
import { RAX } from "../../emulator/engine.ts";
import { forgetPrograms } from "../../emulator/helpers/trampoline.ts";
import { Kernel } from "../../emulator/kernel.ts";
import type { Machine } from "../../emulator/machine.ts";
import type { LoadedProgram, ProgArrayMap } from "../../emulator/maps/prog-array.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import { patchBytes } from "../../emulator/poke.ts";
import { kernelOf, type X86Profile } from "../../jit/profile.ts";
import { wordsModel } from "../../jit/trampoline.ts";
import { countExactly, type ExactRun } from "../exact/count.ts";
import { buildContext } from "../runner/context.ts";
import { loadProgram } from "../runner/load-program.ts";
import { machineFor } from "../runner/machine.ts";
import { type TracedFunction, Trampoline } from "../runner/trampoline.ts";
import { verifierOf } from "../runner/verifier-of.ts";
import { functionName, type Graph } from "./graph.ts";
import { type Indexing, programText, TABLE, TRACER, TRACERS } from "./program-text.ts";

/** A program that is in the laboratory's machine. */
interface Placed {
  loaded: LoadedProgram;
  functions: PlacedFunction[];
}

/** How a graph ran: tail calls taken, or what is wrong; count: with trampolines it takes another number than without. */
export type Trial =
  | { kind: "fine"; tailCalls: number }
  | { kind: "broken"; how: "limit" | "fault" | "endless" }
  | { kind: "broken"; how: "count"; tailCalls: number };

/** MAX_TAIL_CALL_CNT */
const LIMIT = 33;
const BUDGET = 1_000_000;

/** One machine in which graphs are tried, one after the other; programs that they share are compiled once. */
export class Laboratory {
  readonly profile: X86Profile;
  readonly #machine: Machine;
  readonly #kernel: Kernel;
  readonly #map: MapDef;
  readonly #table: ProgArrayMap;
  readonly #programs = new Map<string, Placed>();
  readonly #context: bigint;
  readonly #tracer: LoadedProgram | undefined;

  /** `traced`: a fexit program is attached to each function */
  constructor(profile: X86Profile, slots: number, traced = false) {
    this.profile = profile;
    this.#machine = machineFor(profile, verifierOf(profile));
    this.#kernel = new Kernel(this.#machine, behaviourOf(kernelOf(profile)));
    this.#map = { name: TABLE, type: MAP_TYPE_PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: slots };
    this.#table = this.#kernel.addMap(this.#map) as ProgArrayMap;
    this.#context = buildContext(this.#kernel, PROG_TYPE_SCHED_CLS, undefined);
    this.#tracer = traced ? this.#loadTracer() : undefined;
  }

  /** Run the graph's program 0 from the kernel; it is ended at the first tail call past the limit. */
  try(graph: Graph, indexing: Indexing): Trial {
    const machine = this.#machine;
    this.#enter(graph, indexing, LIMIT);
    const stop = machine.resume(BUDGET);
    if (stop.kind === "until" && machine.engine.regs[RAX] === 0n) return { kind: "fine", tailCalls: machine.tailCalls };
    if (machine.tailCalls > LIMIT) return { kind: "broken", how: "limit" };
    return { kind: "broken", how: stop.kind === "budget" ? "endless" : "fault" };
  }

  /** How many tail calls the graph takes in all. */
  count(graph: Graph, indexing: Indexing): ExactRun {
    this.#enter(graph, indexing, Number.POSITIVE_INFINITY);
    return countExactly(this.#machine);
  }

  close(): void {
    this.#machine.close();
  }

  #enter(graph: Graph, indexing: Indexing, limit: number): void {
    const machine = this.#machine;
    const placed = graph.programs.map((_, p) => this.#program(graph, p, indexing));
    this.#fill(graph, placed);
    if (this.#tracer) forgetPrograms(this.#kernel);
    machine.prepare({ entry: placed[0].loaded.entry, context: this.#context, second: 0n });
    machine.tailCallLimit = limit;
    machine.engine.icount = 0;
  }

  /** Set the slots, and patch the direct tail calls to them. */
  #fill(graph: Graph, placed: readonly Placed[]): void {
    for (let slot = 0; slot < this.#map.maxEntries; slot++) {
      const held = graph.slots[slot];
      const program = held === undefined ? undefined : placed[held].loaded;
      this.#table.exchange(slot, program);
      for (const { functions } of placed)
        for (const func of functions)
          for (const site of func.image.pokes) if (site.key === slot) this.#patch(func, site, program);
    }
  }

  #patch(func: PlacedFunction, site: PokeSite, program: LoadedProgram | undefined): void {
    const { memory } = this.#machine;
    const target = func.image.address + BigInt(site.target);
    const callee = program && program.entry + BigInt(site.adjust);
    memory.write(target, patchBytes(0xe9, target, callee));
    if (site.bypass === undefined) return;
    const bypass = func.image.address + BigInt(site.bypass);
    memory.write(bypass, patchBytes(0xe9, bypass, program ? undefined : target + 5n));
  }

  #program(graph: Graph, p: number, indexing: Indexing): Placed {
    const text = programText(graph, p, indexing);
    let placed = this.#programs.get(text);
    if (!placed) {
      placed = this.#place(functionName(p, 0), text);
      this.#programs.set(text, placed);
    }
    return placed;
  }

  #place(name: string, text: string): Placed {
    const xlated = this.#xlated(name, text);
    const functions = loadProgram(this.#kernel, name, xlated, this.profile);
    const loaded = this.#last();
    const { tailCallReachable } = xlated.functions[0];
    if (this.#tracer) for (const func of functions) this.#trace(this.#tracer, { func, tailCallReachable });
    return { functions, loaded };
  }

  #last(): LoadedProgram {
    return this.#kernel.programs[this.#kernel.programs.length - 1];
  }

  #loadTracer(): LoadedProgram {
    const map: MapDef = { ...this.#map, name: TRACERS, maxEntries: 1 };
    this.#kernel.addMap(map);
    const { insns, functions, relocs } = assemble(TRACER, { maps: [map.name], entry: "tracer" });
    const attach = { type: "fexit", func: 0, nargs: 1 } as const;
    const program: Program = { name: "tracer", type: PROG_TYPE_TRACING, insns, relocs, functions, attach };
    loadProgram(this.#kernel, program.name, verify(program, [map], verifierOf(this.profile), []), this.profile);
    return this.#last();
  }

  #trace({ address: prog, entry }: LoadedProgram, traced: Pick<TracedFunction, "func" | "tailCallReachable">): void {
    const trampoline = new Trampoline(this.#kernel, this.profile, { ...traced, model: wordsModel(1) });
    for (const _ of trampoline.attach({ type: "fexit", prog, entry, wantsIp: false }));
  }

  /** What the verifier of the profile's kernel makes of the program; remembered for all laboratories. */
  #xlated(name: string, text: string): Xlated {
    const { profile } = this;
    const key = `${kernelOf(profile)}${profile.harden ? "+" : ""}\n${this.#map.maxEntries}\n${text}`;
    let xlated = verified.get(key);
    if (!xlated) {
      const { insns, functions, relocs } = assemble(text, { maps: [TABLE], entry: name });
      const program: Program = { name, type: PROG_TYPE_SCHED_CLS, insns, relocs, functions };
      xlated = verify(program, [this.#map], verifierOf(profile), []);
      verified.set(key, xlated);
    }
    return xlated;
  }
}

const verified = new Map<string, Xlated>();
