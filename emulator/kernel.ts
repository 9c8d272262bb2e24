import type { MapDef } from "../bpf/program.ts";
import { offsetOf } from "../bpf/structs.ts";
import type { KernelBehaviour } from "./behaviour.ts";
import type { SkBuff } from "./context/skb.ts";
import { installHelpers } from "./helpers/index.ts";
import type { TrampolineState } from "./helpers/trampoline.ts";
import type { Machine } from "./machine.ts";
import { createMap } from "./maps/create.ts";
import type { KernelMap } from "./maps/map.ts";
import { type LoadedProgram, ProgArrayMap } from "./maps/prog-array.ts";

/** What a kernel knows beside memory and CPUs: maps, loaded programs, clocks, the packet under way. Deterministic. */
export class Kernel {
  readonly machine: Machine;
  readonly maps = new Map<string, KernelMap>();
  readonly #mapsByAddress = new Map<bigint, KernelMap>();
  readonly programs: LoadedProgram[] = [];
  /** bpf_func of a program that may throw -> bpf_func of its exception callback */
  readonly exceptionCallbacks = new Map<bigint, bigint>();
  readonly behaviour: KernelBehaviour;
  /** programs of which a function is replaced by another program */
  readonly extended = new Set<string>();
  readonly trampolines: TrampolineState = { active: new Map(), runCtx: new Map() };
  /** the skb that skb helpers work on */
  skb: SkBuff | undefined;
  #nanoseconds = 1_000_000_000n;
  #random = 0x2545f491_4f6cdd1dn;

  constructor(machine: Machine, behaviour: KernelBehaviour) {
    this.machine = machine;
    this.behaviour = behaviour;
    installHelpers(this);
  }

  /** Create a map; `address` where a capture has it. */
  addMap(def: MapDef, address?: bigint): KernelMap {
    const map = createMap(this.machine, def, address);
    this.maps.set(def.name, map);
    this.#mapsByAddress.set(map.address, map);
    return map;
  }

  /** The map whose struct bpf_map is at that address. */
  mapAt(address: bigint): KernelMap | undefined {
    return this.#mapsByAddress.get(address);
  }

  /** Is the program in a slot of a prog_array? */
  isTailCallee(name: string): boolean {
    return [...this.maps.values()].some(
      (map) => map instanceof ProgArrayMap && map.programs.some((program) => program?.name === name),
    );
  }

  /** struct bpf_prog of a program whose bpf_func is `entry`. */
  addProgram(name: string, entry: bigint): LoadedProgram {
    const { machine } = this;
    const size = machine.layout.structs.bpf_prog?.size ?? 128;
    const program = { name, entry, address: machine.heap.take(size + 64, 64) };
    machine.memory.store(program.address + BigInt(offsetOf(machine.layout.structs, "bpf_prog.bpf_func")), 8, entry);
    this.programs.push(program);
    return program;
  }

  /** Remember what is not in guest memory: clock, random numbers, indices of maps, the packet; the result brings it back. */
  save(): () => void {
    const { skb } = this;
    const nanoseconds = this.#nanoseconds;
    const random = this.#random;
    const maps = [...this.maps.values()].flatMap((map) => map.save?.() ?? []);
    return () => {
      this.skb = skb;
      this.#nanoseconds = nanoseconds;
      this.#random = random;
      for (const restore of maps) restore();
    };
  }

  /** Nanoseconds since boot; every look advances the clock. */
  now(): bigint {
    this.#nanoseconds += 1000n;
    return this.#nanoseconds;
  }

  /** Next of a fixed sequence of u32 (xorshift64*). */
  random(): bigint {
    let x = this.#random;
    x ^= x >> 12n;
    x = BigInt.asUintN(64, x ^ (x << 25n));
    x ^= x >> 27n;
    this.#random = x;
    return BigInt.asUintN(64, x * 0x2545f4914f6cdd1dn) >> 32n;
  }
}
