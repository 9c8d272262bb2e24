import type { PokeSite } from "../bpf/image.ts";
import type { Stop } from "./engine.ts";
import type { Machine } from "./machine.ts";
import type { LoadedProgram, ProgArrayMap } from "./maps/prog-array.ts";
import type { PlacedFunction } from "./placed.ts";

const NOP5 = Uint8Array.of(0x0f, 0x1f, 0x44, 0x00, 0x00);
const PATCH_SIZE = 5n;

/** A patch site did not hold what the kernel expects there (where it would BUG). */
export class PokeError extends Error {
  override name = "PokeError";
}

/** One step of a text poke that has been done. */
export interface PokeStep {
  func: PlacedFunction;
  site: PokeSite;
  which: "bypass" | "target";
  /** the site in words: "int3", "nop5" or "jmp 0x..." */
  now: string;
  /** what comes next must wait until no program that was under way at this step still is (synchronize_rcu) */
  grace?: boolean;
}

/** jmp rel32 at `ip` to `target`; nop5 for none */
export function patchBytes(opcode: 0xe8 | 0xe9, ip: bigint, target: bigint | undefined): Uint8Array {
  if (target === undefined) return NOP5;
  const bytes = new Uint8Array(5);
  bytes[0] = opcode;
  new DataView(bytes.buffer).setInt32(1, Number(BigInt.asIntN(64, target - (ip + PATCH_SIZE))), true);
  return bytes;
}

const INT3 = 0xcc;

/**
 * __bpf_arch_text_poke and text_poke_bp: replace what is expected at `ip`, in three steps that other CPUs may see: int3 over the first
 * byte, the rest of the new instruction, its first byte. Yields after each. Throws PokeError when something else is there.
 */
export function* textPoke(
  machine: Machine,
  ip: bigint,
  before: Uint8Array,
  after: Uint8Array,
): Generator<"int3" | "tail" | "done"> {
  const there = machine.memory.read(ip, before.length);
  if (Buffer.compare(there, before) !== 0)
    throw new PokeError(`0x${ip.toString(16)} holds ${hex(there)}, not the ${hex(before)} that the poke expects`);
  machine.poking.set(ip, after);
  machine.memory.write(ip, Uint8Array.of(INT3));
  yield "int3";
  machine.memory.write(ip + 1n, after.subarray(1));
  yield "tail";
  machine.memory.write(ip, after.subarray(0, 1));
  machine.poking.delete(ip);
  yield "done";
}

/**
 * A CPU ran into the int3 of a poke that is under way: do what the new instruction does (poke_int3_handler). False: the stop
 * is something else.
 */
export function fixupPoke(machine: Machine, stop: Stop): boolean {
  const after = stop.kind === "exception" && stop.vector === 3 ? machine.poking.get(stop.pc) : undefined;
  if (!after) return false;
  const there = machine.memory.read(stop.pc, after.length);
  machine.memory.write(stop.pc, after);
  machine.resume(1);
  machine.memory.write(stop.pc, there);
  return true;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/**
 * bpf_arch_poke_desc_update for one direct tail call, step by step: a new callee is written before the bypass opens, the
 * bypass closes, and all programs under way end, before the callee goes.
 */
function* updateSite(
  machine: Machine,
  func: PlacedFunction,
  site: PokeSite,
  old: LoadedProgram | undefined,
  next: LoadedProgram | undefined,
): Generator<PokeStep> {
  const base = func.image.address;
  const target = base + BigInt(site.target);
  const callee = (program: LoadedProgram | undefined): bigint | undefined =>
    program && program.entry + BigInt(site.adjust);
  const out = target + PATCH_SIZE;
  function* poke(
    which: "bypass" | "target",
    ip: bigint,
    from: bigint | undefined,
    to: bigint | undefined,
    grace?: boolean,
  ): Generator<PokeStep> {
    const done = to === undefined ? "nop5" : `jmp 0x${to.toString(16)}`;
    for (const step of textPoke(machine, ip, patchBytes(0xe9, ip, from), patchBytes(0xe9, ip, to)))
      yield { func, site, which, now: step === "done" ? done : "int3", ...(step === "done" && grace ? { grace } : {}) };
  }
  const bypass = site.bypass === undefined ? undefined : base + BigInt(site.bypass);
  if (next) {
    yield* poke("target", target, callee(old), callee(next));
    if (!old && bypass !== undefined) yield* poke("bypass", bypass, out, undefined);
  } else if (old) {
    if (bypass !== undefined) yield* poke("bypass", bypass, undefined, out, true);
    yield* poke("target", target, callee(old), undefined);
  }
}

/**
 * Set or clear a slot of a prog array: the pointer first, then every direct tail call of that slot (prog_array_map_poke_run).
 * A generator, so that something else can happen between any two steps.
 */
export function* updateProgArray(
  machine: Machine,
  map: ProgArrayMap,
  index: number,
  next: LoadedProgram | undefined,
): Generator<PokeStep> {
  const old = map.exchange(index, next);
  if (old === next) return;
  for (const func of machine.functions)
    for (const site of func.image.pokes)
      if (site.map === map.def.name && site.key === index) yield* updateSite(machine, func, site, old, next);
}

/** updateProgArray, all of it at once. */
export function setProgArray(
  machine: Machine,
  map: ProgArrayMap,
  index: number,
  next: LoadedProgram | undefined,
): void {
  for (const _ of updateProgArray(machine, map, index, next));
}
