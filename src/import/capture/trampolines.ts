import type { Image } from "../../../bpf/image.ts";
import { callsHelper, type ProgramSet } from "../../../bpf/program.ts";
import { type Attached, linksOf, type TrampolineInput, trampolineFlags, wordsModel } from "../../../jit/trampoline.ts";
import { PATCH_SIZE } from "../../../jit/x86/lower/tail-call.ts";
import { sizeTrampoline } from "../../../jit/x86/trampoline/compile.ts";
import { iced } from "../x86/iced.ts";
import type { CaptureKernel, Compiled } from "./compile.ts";
import type { CapturedTrampoline, CaptureRecord } from "./format.ts";

const hex = (text: string): bigint => BigInt(`0x${text}`);

/** A function of a set that trampolines are attached to, and what the capture has of the one that is active. */
export interface TracedFunction {
  /** index of the target's program in the set, and of the function in it */
  program: number;
  func: number;
  /** our image of it */
  image: Image;
  /** where its patch site leads, and by call (0xe8) or jmp (0xe9) */
  address: bigint;
  opcode: 0xe8 | 0xe9;
  /** undefined: the kernel hides it (harden=2) */
  captured?: CapturedTrampoline;
}

/** Every function of the set whose patch site leads to a trampoline. */
export function tracedFunctions(record: CaptureRecord, compiled: readonly (Compiled | undefined)[]): TracedFunction[] {
  return record.progs.flatMap(({ funcs }, program) =>
    funcs.flatMap((fn, func): TracedFunction[] => {
      const image = compiled[program]?.images[func];
      const site = image?.patchSite;
      if (!image || site === undefined || fn.hex_final === undefined) return [];
      const patch = Buffer.from(fn.hex_final, "hex").subarray(site, site + PATCH_SIZE);
      const opcode = patch[0];
      if (opcode !== 0xe8 && opcode !== 0xe9) return [];
      const address = BigInt.asUintN(64, image.address + BigInt(site + PATCH_SIZE + patch.readInt32LE(1)));
      const captured = record.trampolines?.find(({ active, addr }) => active && hex(addr) === address);
      return [{ program, func, image, address, opcode, ...(captured ? { captured } : {}) }];
    }),
  );
}

/** Addresses of kernel objects that only the captured code tells, or the machine. */
export interface TrampolineObjects {
  /** struct bpf_prog of the set's programs, by name */
  prog(name: string): bigint;
  /** struct bpf_tramp_image */
  image: bigint;
}

/** Our trampoline in the captured one's place. Throws JitError. */
export function compileTrampoline(
  kernel: CaptureKernel,
  set: ProgramSet,
  record: CaptureRecord,
  compiled: readonly (Compiled | undefined)[],
  traced: TracedFunction,
  objects: TrampolineObjects = recoverObjects(set, record, traced),
): Image {
  const input = trampolineInput(kernel, set, record, compiled, traced, objects);
  return sizeTrampoline(input, kernel.profile, (name) => kernel.symbols.address(name)).emit(traced.address);
}

function trampolineInput(
  kernel: CaptureKernel,
  set: ProgramSet,
  record: CaptureRecord,
  compiled: readonly (Compiled | undefined)[],
  { program, func, image, captured }: TracedFunction,
  objects: TrampolineObjects,
): TrampolineInput {
  const attached = attachedTo(set, program, func).map(
    (index): Attached => ({
      type: set.programs[index].attach!.type as Attached["type"],
      prog: objects.prog(set.programs[index].name),
      entry: hex(record.progs[index].funcs[0].addr),
      wantsIp: callsHelper(set.programs[index], "bpf_get_func_ip"),
    }),
  );
  const main = compiled[program]?.xlated.functions[0];
  return {
    name: captured?.name ?? `bpf_trampoline_${image.name}`,
    model: wordsModel(set.programs[program].functions[func]?.nargs ?? 1),
    flags: trampolineFlags({ attached, tailCallReachable: main?.tailCallReachable }, kernel.profile.trampoline!),
    links: linksOf(attached),
    func: image.address,
    body: image.address + BigInt(image.patchSite! + PATCH_SIZE),
    image: objects.image,
  };
}

/** Indexes of the programs that are attached to a function, in the order in which they were. */
function attachedTo(set: ProgramSet, program: number, func: number): number[] {
  const target = set.programs[program].name;
  return set.programs.flatMap(({ attach }, index) =>
    attach?.prog === target && attach.func === func && attach.type !== "freplace" ? [index] : [],
  );
}

/**
 * The kernel's objects as the captured code has them: in rdi come the struct bpf_tramp_image, if the traced function is called from there,
 * and each program, in the order in which they are called.
 */
function recoverObjects(set: ProgramSet, record: CaptureRecord, traced: TracedFunction): TrampolineObjects {
  const found = traced.captured ? loadedIntoRdi(Buffer.from(traced.captured.hex, "hex")) : [];
  const indexes = attachedTo(set, traced.program, traced.func);
  const links = linksOf(
    indexes.map((index) => ({
      type: set.programs[index].attach!.type as Attached["type"],
      prog: BigInt(index),
      entry: 0n,
    })),
  );
  const order = [...links.fentry, ...links.fmodRet, ...links.fexit].map(({ prog }) => record.progs[Number(prog)].name);
  const image = links.fexit.length || links.fmodRet.length ? (found.shift() ?? 0n) : 0n;
  return { image, prog: (name) => found[order.indexOf(name)] ?? 0n };
}

/** 64-bit constants that code loads into rdi, each once. */
function loadedIntoRdi(bytes: Uint8Array): bigint[] {
  const { Decoder, DecoderOptions, Instruction, OpKind, Register } = iced();
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const insn = new Instruction();
  const values = new Set<bigint>();
  while (decoder.canDecode) {
    decoder.decodeOut(insn);
    if (insn.op0Register === Register.RDI && insn.opCount === 2 && insn.op1Kind === OpKind.Immediate64)
      values.add(insn.immediate(1));
  }
  insn.free();
  decoder.free();
  return [...values];
}
