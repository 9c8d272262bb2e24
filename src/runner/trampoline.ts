import type { Kernel } from "../../emulator/kernel.ts";
import { outJumps, type PlacedFunction } from "../../emulator/placed.ts";
import { patchBytes, textPoke } from "../../emulator/poke.ts";
import type { X86Profile } from "../../jit/profile.ts";
import { type Attached, type FuncModel, linksOf, trampolineFlags, usesJump } from "../../jit/trampoline.ts";
import { PATCH_SIZE } from "../../jit/x86/lower/tail-call.ts";
import { sizeTrampoline } from "../../jit/x86/trampoline/compile.ts";
import { shortName } from "../scenario/point.ts";

/** A function that programs are attached to. */
export interface TracedFunction {
  func: PlacedFunction;
  model: FuncModel;
  /** it is of a BPF program from whose main function a tail call is reachable */
  tailCallReachable?: boolean;
}

/** bytes of a struct bpf_tramp_image, and more */
const IMAGE_SIZE = 1024;

const CALL = 0xe8;
const JMP = 0xe9;

/** Steps of text pokes, as other CPUs may see them. */
export type PokeSteps = ReturnType<typeof textPoke>;

/** An image that the patch site leads to: 0xe8 by a call, 0xe9 by a jump. */
interface Placed {
  entry: bigint;
  opcode: 0xe8 | 0xe9;
  /** undefined: it is an extension's */
  func?: PlacedFunction;
}

/** struct bpf_trampoline: what is attached to one function, and the code that calls it. */
export class Trampoline {
  readonly #kernel: Kernel;
  readonly #profile: X86Profile;
  readonly #traced: TracedFunction;
  readonly #attached: Attached[] = [];
  #placed: Placed | undefined;

  constructor(kernel: Kernel, profile: X86Profile, traced: TracedFunction) {
    this.#kernel = kernel;
    this.#profile = profile;
    this.#traced = traced;
  }

  get attached(): readonly Attached[] {
    return this.#attached;
  }

  /** The program that replaces the function, if there is one. */
  get extended(): boolean {
    return this.#placed !== undefined && this.#placed.func === undefined;
  }

  /** bpf_trampoline_link_prog(), step by step. Throws JitError. */
  *attach(program: Attached): PokeSteps {
    this.#attached.push(program);
    yield* this.#update();
  }

  /** bpf_trampoline_unlink_prog(), step by step. */
  *detach(prog: bigint): PokeSteps {
    const index = this.#attached.findIndex((program) => program.prog === prog);
    if (index < 0) return;
    this.#attached.splice(index, 1);
    yield* this.#update();
  }

  /** The patch site jumps to a program that takes the function's place. `entry`: its bpf_func. */
  *replace(entry: bigint): PokeSteps {
    yield* this.#lead({ entry, opcode: JMP });
  }

  /** A new image for what is attached now; the old one lets those out who are inside. */
  *#update(): PokeSteps {
    const old = this.#placed?.func;
    yield* this.#lead(this.#attached.length ? this.#build() : undefined);
    if (old) yield* this.#letOut(old);
  }

  *#lead(next: Placed | undefined): PokeSteps {
    const { machine } = this.#kernel;
    const { func } = this.#traced;
    const site = func.image.patchSite!;
    const ip = func.image.address + BigInt(site);
    const bytesOf = (placed: Placed | undefined): Uint8Array => patchBytes(placed?.opcode ?? JMP, ip, placed?.entry);
    const before = bytesOf(this.#placed);
    this.#placed = next;
    if (next) machine.prepareAttach(func, site, bytesOf(next));
    yield* textPoke(machine, ip, before, bytesOf(next));
  }

  /** arch_prepare_bpf_trampoline() */
  #build(): Placed {
    const { machine } = this.#kernel;
    const { func, model, tailCallReachable } = this.#traced;
    const flags = trampolineFlags({ attached: this.#attached, tailCallReachable }, this.#profile.trampoline!);
    const sized = sizeTrampoline(
      {
        name: `bpf_trampoline_${shortName(func.image.name)}`,
        model,
        flags,
        links: linksOf(this.#attached),
        func: func.entry,
        body: func.image.address + BigInt(func.image.patchSite! + PATCH_SIZE),
        image: machine.heap.take(IMAGE_SIZE, 64),
      },
      this.#profile,
      (name) => machine.symbol(name),
    );
    const placed = machine.place(sized.emit(machine.allocateCode(sized.bytes)));
    return { entry: placed.entry, opcode: usesJump(flags) ? JMP : CALL, func: placed };
  }

  /** bpf_tramp_image_put(): programs that are behind the traced function in the old image are not called any more. */
  *#letOut({ image }: PlacedFunction): PokeSteps {
    for (const { site, to } of outJumps(image.trampoline!)) {
      const ip = image.address + BigInt(site);
      const target = image.address + BigInt(to);
      yield* textPoke(this.#kernel.machine, ip, patchBytes(JMP, ip, undefined), patchBytes(JMP, ip, target));
    }
  }
}
