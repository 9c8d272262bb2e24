import type { Image } from "../../../bpf/image.ts";
import type { Insn } from "../../../bpf/insn.ts";
import { encodeInsns } from "../../../bpf/insn.ts";
import type { ProgramSet } from "../../../bpf/program.ts";
import { dumpView, type KernelFeatures, verify } from "../../../bpf/verifier/index.ts";
import type { Xlated } from "../../../bpf/xlated.ts";
import type { X86Profile } from "../../../jit/profile.ts";
import { compileProgram } from "../../../jit/program.ts";
import type { CapturedProgram, CaptureRecord } from "./format.ts";
import { recoverRandoms } from "./randoms.ts";
import type { CaptureSymbols } from "./symbols.ts";

const hex = (text: string): bigint => BigInt(`0x${text}`);
const roundUp8 = (bytes: number): number => (bytes + 7) & ~7;
const PRIVATE_STACK_GUARD = 8;

/** One captured kernel, ready to compile its sets. */
export interface CaptureKernel {
  profile: X86Profile;
  features: KernelFeatures;
  symbols: CaptureSymbols;
  callBase: bigint;
}

/** What we make of a captured program, at the capture's addresses. */
export interface Compiled {
  xlated: Xlated;
  images: Image[];
  /** our verifier's output is what the kernel's dump shows (unknown where the dump is blinded) */
  sameXlated: boolean | undefined;
}

/** Verify and compile program `index` of a set. Throws what the verifier and the JIT throw. */
export function compileCaptured(
  kernel: CaptureKernel,
  set: ProgramSet,
  record: CaptureRecord,
  index: number,
): Compiled {
  const captured = record.progs[index];
  const program = set.programs[index];
  const xlated = verify(program, set.maps, kernel.features, set.programs);
  for (const fn of xlated.functions) fn.nargs = program.functions.find(({ name }) => name === fn.name)?.nargs;
  const images = compileAt(kernel, record, captured, xlated);
  const blinded = kernel.profile.harden && captured.funcs.length === 1;
  return { xlated, images, sameXlated: blinded ? undefined : sameDump(kernel, set, captured, xlated) };
}

function sameDump(kernel: CaptureKernel, set: ProgramSet, captured: CapturedProgram, xlated: Xlated): boolean {
  const insns: Insn[] = dumpView(xlated, {
    callImm: (callee) => Number(BigInt.asIntN(32, kernel.symbols.address(callee) - kernel.callBase)),
    symbol: (name) => kernel.symbols.address(name),
    mapId: (name) => set.maps.findIndex((map) => map.name === name),
  });
  return Buffer.from(encodeInsns(insns)).toString("hex") === captured.xlated.toLowerCase();
}

function compileAt(kernel: CaptureKernel, record: CaptureRecord, captured: CapturedProgram, xlated: Xlated): Image[] {
  const randoms = captured.funcs.map(() => undefined as number[] | undefined);
  const harden = kernel.profile.harden;
  return compileProgram(captured.name, xlated, kernel.profile, {
    symbol: (name) => kernel.symbols.address(name),
    map: (name) => hex(record.maps[name].addr),
    mapValue: (name) => {
      const { addr, value } = record.maps[name];
      return value === undefined ? hex(addr) + BigInt(kernel.features.structs.bpf_array.members.value) : hex(value);
    },
    place: (index, bytes) => placeOf(captured, index, bytes),
    privateStack: (index) => privateStackOf(record, captured, xlated, index),
    random: !harden
      ? undefined
      : (index) => {
          randoms[index] ??= recoverRandoms(Buffer.from(captured.funcs[index]?.hex ?? "", "hex"));
          return randoms[index].shift() ?? 0;
        },
  });
}

/** The capture's address; the hidden exception callback has none and goes behind the last function. */
function placeOf(captured: CapturedProgram, index: number, _bytes: number): bigint {
  const known = captured.funcs[index];
  if (known) return hex(known.addr);
  const ends = captured.funcs.map(({ addr, len }) => hex(addr) + BigInt(len));
  const end = ends.reduce((a, b) => (a > b ? a : b), 0n);
  return ((end + 63n) & ~63n) + BigInt(0x10000 + 0x1000 * (index - captured.funcs.length));
}

/** The private stack's per-CPU address: the capture tells the top of the frame in it. */
function privateStackOf(record: CaptureRecord, captured: CapturedProgram, xlated: Xlated, index: number): bigint {
  const wanted = `${captured.name}#${index}.priv_stack`;
  const found = Object.entries(record.refs ?? {}).find(([, name]) => name === wanted);
  if (!found) throw new RangeError(`the capture has no ${wanted}`);
  return hex(found[0]) - BigInt(PRIVATE_STACK_GUARD + roundUp8(xlated.functions[index].stackDepth));
}
