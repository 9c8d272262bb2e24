import { assemble } from "../../../bpf/asm/assemble.ts";
import { type Image, OWN_STORE, POKED } from "../../../bpf/image.ts";
import { PROG_TYPE_SCHED_CLS } from "../../../bpf/program.ts";
import { kernels, verify } from "../../../bpf/verifier/index.ts";
import type { Kernel } from "../../../emulator/kernel.ts";
import type { ArrayMap } from "../../../emulator/maps/array.ts";
import type { ProgArrayMap } from "../../../emulator/maps/prog-array.ts";
import type { PlacedFunction } from "../../../emulator/placed.ts";
import { setProgArray } from "../../../emulator/poke.ts";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { compileProgram } from "../../../jit/program.ts";
import type { Finding } from "../../../src/checks/finding.ts";
import { decodeTable } from "../../../src/import/x86/decode.ts";
import { ProgramBook } from "../../../src/runner/code-book.ts";
import { type Outcome, Session } from "../../../src/runner/session.ts";
import { mapDef } from "../../emulator/bpf.ts";
import { type KernelName, type Line, newKernel, type Placed, place } from "../../emulator/guest.ts";

export interface Planted {
  /** default linux-6.12; what a kernel's variants change is `+variant` */
  profile?: KernelName | `${KernelName}+${string}`;
  /** bytes of a compiled image to be changed before it is placed */
  patch?: (image: Image) => Image | undefined;
  tailCallLimit?: number;
  budget?: number;
}

/** A kernel with one prog_array `jmp` and an array `m`, and programs on it whose images are what `patch` makes of them. */
export class Bench {
  readonly kernel: Kernel;
  readonly book = new ProgramBook();
  readonly #options: Planted;
  readonly #profile: string;

  constructor(options: Planted = {}) {
    this.#options = options;
    this.#profile = options.profile ?? "linux-6.12";
    const name = this.#profile.split("+")[0] as KernelName;
    this.kernel = newKernel(name, { ibt: profileNamed(this.#profile)!.features.ibt });
    this.kernel.addMap(mapDef("jmp", "prog_array"));
    this.kernel.addMap(mapDef("m", "array", { maxEntries: 1 }));
    this.kernel.addMap(mapDef("h", "hash"));
  }

  get machine() {
    return this.kernel.machine;
  }

  /** Compiles and places a program; lines of findings count in its text. */
  load(text: string, name = "main"): PlacedFunction[] {
    const { kernel, machine } = this;
    const maps = [...kernel.maps.values()].map(({ def }) => def);
    const { insns, functions, relocs, lines } = assemble(text, { maps: maps.map((map) => map.name), entry: name });
    const xlated = verify(
      { name, type: PROG_TYPE_SCHED_CLS, insns, relocs, functions },
      maps,
      kernels[this.#profile.split("+")[0]],
      [],
    );
    this.book.add(name, xlated, (slot) => lines[slot]);
    const images = compileProgram(name, xlated, profileNamed(this.#profile)!, {
      symbol: (symbol) => machine.symbol(symbol),
      map: (map) => kernel.maps.get(map)!.address,
      mapValue: (map) => (kernel.maps.get(map) as ArrayMap).values,
      place: (_, bytes) => machine.allocateCode(bytes),
      privateStack: (_, bytes) => machine.percpu.allocate(bytes),
    });
    const placed = images.map((image) => machine.place(this.#options.patch?.(image) ?? image));
    kernel.addProgram(name, placed[0].entry);
    return placed;
  }

  /** Hand-written code, as a program or a function of one. */
  code(lines: readonly Line[], more: Partial<Image> = {}): Placed {
    const placed = place(this.machine, lines, more);
    if (more.name) this.kernel.addProgram(more.name, placed.entry);
    return placed;
  }

  /** Puts a loaded program into slot `index` of jmp. */
  slot(index: number, program: string): this {
    const found = this.kernel.programs.find(({ name }) => name === program);
    setProgArray(this.machine, this.kernel.maps.get("jmp") as ProgArrayMap, index, found);
    return this;
  }

  enter({ entry }: { entry: bigint }, context = this.machine.heap.take(512, 64)): Outcome {
    const { budget = 100_000, tailCallLimit } = this.#options;
    return new Session(this.kernel, this.book).enter({ entry, context, budget, tailCallLimit });
  }
}

/** Compiles and runs one program. */
export function run(text: string, options: Planted = {}): Outcome {
  const bench = new Bench(options);
  return bench.enter(bench.load(text)[0]);
}

/** Runs hand-written code. */
export function runCode(
  lines: readonly Line[],
  more: Partial<Image> = {},
  options: Planted = {},
): Outcome & { placed: Placed } {
  const bench = new Bench(options);
  const placed = bench.code(lines, { name: "code", ...more });
  return Object.assign(bench.enter(placed), { placed });
}

/** The contracts that a run broke, each once, in order. */
export const broken = ({ findings }: Outcome): string[] => [...new Set(findings.map(({ check }) => check))];

/** The only finding. Throws when there are more, or none. */
export function only({ findings }: Outcome): Finding {
  if (findings.length !== 1) throw new Error(`${findings.length} findings: ${findings.map(({ message }) => message)}`);
  return findings[0];
}

/** The image with other bytes at `at`; instructions are decoded anew, what else it says of its bytes stays. */
function overwritten(image: Image, at: number, hex: string): Image {
  const bytes = image.bytes.slice();
  bytes.set(Buffer.from(hex, "hex"), at);
  const { starts, flags } = decodeTable(bytes);
  const before = new Map(image.starts.map((start, i) => [start, image.flags[i] & (POKED | OWN_STORE)]));
  return { ...image, bytes, starts, flags: flags.map((flag, i) => flag | (before.get(starts[i]) ?? 0)) };
}

/** The image with the first bytes that are `from`, in hex, replaced by `to`, as long. */
export function replaced(image: Image, from: string, to: string): Image {
  const [old, next] = [from, to].map((hex) => hex.replaceAll(" ", ""));
  if (old.length !== next.length) throw new RangeError(`${from} and ${to} are not as long as each other`);
  const at = Buffer.from(image.bytes).indexOf(Buffer.from(old, "hex"));
  if (at < 0) throw new RangeError(`${image.name} has no ${from}: ${Buffer.from(image.bytes).toString("hex")}`);
  return overwritten(image, at, next);
}

const NOPS = ["", "90", "6690", "0f1f00", "0f1f4000", "0f1f440000", "660f1f440000", "0f1f8000000000"];

/** The image with its `i`th instruction, of seven bytes at most, left out. */
export function without(image: Image, i: number): Image {
  const length = (image.starts[i + 1] ?? image.bytes.length) - image.starts[i];
  return overwritten(image, image.starts[i], NOPS[length]);
}

/** A patch of one function: its name, and what its bytes become. */
export const patching =
  (name: string, from: string, to: string) =>
  (image: Image): Image | undefined =>
    image.name === name ? replaced(image, from, to) : undefined;
