import type { Image } from "../../bpf/image.ts";
import { listAsm } from "../report/jit/asm.ts";
import { PLAIN } from "../report/plain.ts";
import type { World } from "../runner/build.ts";
import { listImage } from "../runner/code-listing.ts";
import { Instructions } from "../runner/trace/instructions.ts";
import { type Programs, sourceOf } from "./assemble.ts";
import { scenarioOf } from "./source.ts";
import { newestProfile, worldOf } from "./world.ts";

/** A function as a profile's JIT compiles it. */
export interface CompiledFunction {
  /** PROGRAM, or PROGRAM#FUNCTION */
  readonly name: string;
  /** where its first byte is in the modelled kernel */
  readonly address: bigint;
  readonly bytes: Uint8Array;
  readonly insns: readonly MachineInsn[];
}

/** A machine instruction. */
export interface MachineInsn {
  /** bytes from the function's first byte */
  readonly offset: number;
  readonly bytes: Uint8Array;
  /** AT&T; targets inside the function as `+0x1f` */
  readonly asm: string;
  /** what it is for */
  readonly note?: string;
  /** BPF instructions whose code begins here: index in the function, and text */
  readonly bpf: readonly { insn: number; text: string }[];
}

export interface Compiled {
  readonly profile: string;
  readonly functions: readonly CompiledFunction[];
  /** all of it as `jitproof jit` shows it */
  readonly text: string;
}

/**
 * Verifies the programs and compiles them as a profile's kernel does (see profileNames()), the newest kernel by default. Throws
 * UserError where the verifier or the JIT refuses one.
 */
export function compile(programs: Programs, profile: string = newestProfile()): Compiled {
  const scenario = scenarioOf(sourceOf(programs));
  const world = worldOf(scenario, profile);
  try {
    return compiledOf(world, profile);
  } finally {
    world.session.machine.close();
  }
}

/** The code of a world's programs. */
export function compiledOf({ session: { machine }, book, programs }: World, profile: string): Compiled {
  const { nameOf } = new Instructions(machine, book);
  const listed = [...programs].map(([name, { functions }]) => ({
    name,
    profile,
    functions: functions.map(({ image }) => ({ image, lines: listImage(image, book, nameOf) })),
  }));
  const text = listed.map((program) => [...listAsm(program, PLAIN, false)].join("")).join("\n");
  return { profile, functions: listed.flatMap(({ functions }) => functions.map(functionOf)), text };
}

function functionOf({ image, lines }: { image: Image; lines: ReturnType<typeof listImage> }): CompiledFunction {
  const insns = lines.map(({ offset, bytes, asm, note, from }): MachineInsn => {
    const bpf = from.map(({ insn, text }) => ({ insn, text }));
    return note === undefined ? { offset, bytes, asm, bpf } : { offset, bytes, asm, note, bpf };
  });
  return { name: image.name, address: image.address, bytes: image.bytes, insns };
}
