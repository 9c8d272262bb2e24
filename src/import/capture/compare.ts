import type { Image } from "../../../bpf/image.ts";
import type { ProgramSet } from "../../../bpf/program.ts";
import { patchBytes } from "../../../emulator/poke.ts";
import { type CaptureKernel, type Compiled, compileCaptured } from "./compile.ts";
import type { CapturedFunction, CaptureRecord, ProgramsRecord } from "./format.ts";
import { sourceSet } from "./source.ts";
import { compileTrampoline, type TracedFunction, tracedFunctions } from "./trampolines.ts";

/** Where two byte strings part. */
export interface ByteDifference {
  /** bytes from the start of the function */
  offset: number;
  ours: Uint8Array;
  theirs: Uint8Array;
  address: bigint;
  /** why there is no code of ours */
  missing?: string;
}

/** One function of a captured set held against ours. Undefined difference: the same bytes. */
export interface ComparedFunction {
  name: string;
  /** it is a trampoline */
  trampoline?: true;
  /** as loaded, before any prog_array slot was filled */
  loaded?: ByteDifference;
  /** after the slots were filled and the trampolines attached */
  final?: ByteDifference;
}

export interface ComparedSet {
  set: string;
  family: string;
  functions: ComparedFunction[];
  /** programs whose verifier output is (is not) what the kernel's dump shows */
  xlated: { same: number; different: number };
  /** our verifier or JIT gave up: why */
  error?: string;
}

export const isIdentical = ({ loaded, final }: ComparedFunction): boolean => !loaded && !final;

/** Compile every program of a set at the capture's addresses and compare byte for byte. */
export function compareSet(kernel: CaptureKernel, record: CaptureRecord, source: ProgramsRecord): ComparedSet {
  const set = sourceSet(source);
  const compared: ComparedSet = {
    set: record.set,
    family: record.family,
    functions: [],
    xlated: { same: 0, different: 0 },
  };
  const compiled = record.progs.map((_, index) => compileOrSay(kernel, set, record, index));
  record.progs.forEach((program, index) => {
    const ours = compiled[index];
    if (typeof ours === "string") compared.error ??= ours;
    else if (ours.sameXlated !== undefined) compared.xlated[ours.sameXlated ? "same" : "different"]++;
    for (const [i, captured] of program.funcs.entries()) {
      const name = `${program.name}#${i}`;
      const image = typeof ours === "string" ? ours : (ours.images[i] ?? `${program.name} has no function ${i}`);
      compared.functions.push({ name, ...compareFunction(image, set, record, captured) });
    }
  });
  const known = compiled.map((ours) => (typeof ours === "string" ? undefined : ours));
  for (const traced of tracedFunctions(record, known))
    if (traced.captured) compared.functions.push(compareTrampoline(kernel, set, record, known, traced, compared));
  return compared;
}

/** What we make of a program, or why nothing that can be compared. */
function compileOrSay(kernel: CaptureKernel, set: ProgramSet, record: CaptureRecord, index: number): Compiled | string {
  const { name, funcs, hidden_tail_insns, jited } = record.progs[index];
  try {
    const compiled = compileCaptured(kernel, set, record, index);
    const more = compiled.images.length - funcs.length - (hidden_tail_insns ? 1 : 0);
    return jited && more > 0
      ? `${name}: ${compiled.images.length} functions, the kernel has ${funcs.length}`
      : compiled;
  } catch (error) {
    return `${name}: ${(error as Error).message}`;
  }
}

function compareTrampoline(
  kernel: CaptureKernel,
  set: ProgramSet,
  record: CaptureRecord,
  compiled: readonly (Compiled | undefined)[],
  traced: TracedFunction,
  compared: ComparedSet,
): ComparedFunction {
  const { name, addr, hex } = traced.captured!;
  try {
    const ours = compileTrampoline(kernel, set, record, compiled, traced).bytes;
    return { name, trampoline: true, loaded: differenceOf(ours, hex, addr) };
  } catch (error) {
    const missing = `${name}: ${(error as Error).message}`;
    compared.error ??= missing;
    return { name, trampoline: true, loaded: { ...differenceOf(new Uint8Array(), hex, addr)!, missing } };
  }
}

function compareFunction(
  image: Image | string,
  set: ProgramSet,
  record: CaptureRecord,
  captured: CapturedFunction,
): Omit<ComparedFunction, "name"> {
  if (typeof image === "string")
    return { loaded: { ...difference(new Uint8Array(), captured, "hex")!, missing: image } };
  const final = withSlots(image, set, record, captured);
  return {
    loaded: difference(image.bytes, captured, "hex"),
    final: difference(final, captured, captured.hex_final === undefined ? "hex" : "hex_final"),
  };
}

function difference(
  ours: Uint8Array,
  captured: CapturedFunction,
  which: "hex" | "hex_final",
): ByteDifference | undefined {
  return differenceOf(ours, captured[which]!, captured.addr);
}

function differenceOf(ours: Uint8Array, hex: string, addr: string): ByteDifference | undefined {
  const theirs = Uint8Array.from(Buffer.from(hex, "hex"));
  if (Buffer.compare(ours, theirs) === 0) return undefined;
  let offset = 0;
  while (offset < ours.length && ours[offset] === theirs[offset]) offset++;
  return { offset, ours, theirs, address: BigInt(`0x${addr}`) };
}

/** Our image after the set's slots are filled and, where the capture has one, a trampoline is attached. */
function withSlots(image: Image, set: ProgramSet, record: CaptureRecord, captured: CapturedFunction): Uint8Array {
  const bytes = image.bytes.slice();
  const failed = failedSlots(record);
  set.slots.forEach(({ map, index, prog }, i) => {
    const callee = record.progs.find(({ name }) => name === prog)?.funcs[0];
    if (failed.has(i) || !callee) return;
    for (const site of image.pokes) {
      if (site.map !== map || site.key !== index) continue;
      const target = BigInt(`0x${callee.addr}`) + BigInt(site.adjust);
      bytes.set(patchBytes(0xe9, image.address + BigInt(site.target), target), site.target);
      if (site.bypass !== undefined) bytes.set(patchBytes(0xe9, 0n, undefined), site.bypass);
    }
  });
  attachTrampoline(bytes, image, record, captured);
  return bytes;
}

/** Where the capture's patch site goes to an active trampoline, so does ours. */
function attachTrampoline(bytes: Uint8Array, image: Image, record: CaptureRecord, captured: CapturedFunction): void {
  const site = image.patchSite;
  if (site === undefined || captured.hex_final === undefined) return;
  const opcode = Buffer.from(captured.hex_final, "hex")[site];
  if (opcode !== 0xe8 && opcode !== 0xe9) return;
  const ip = image.address + BigInt(site);
  const sites = (record.trampolines ?? [])
    .filter(({ active }) => active)
    .map(({ addr }) => patchBytes(opcode, ip, BigInt(`0x${addr}`)));
  const theirs = Buffer.from(captured.hex_final, "hex").subarray(site, site + 5);
  // without a captured trampoline the target is unknown; it lies outside the set's images
  const target = sites.find((patch) => Buffer.compare(patch, theirs) === 0) ?? (sites.length ? undefined : theirs);
  if (target) bytes.set(target, site);
}

/** Indexes of the prog_array updates that the kernel refused. */
export function failedSlots(record: CaptureRecord): Set<number> {
  return new Set(
    (record.errors ?? []).flatMap((error) => {
      const { ev, i } = error as { ev?: string; i?: number };
      return ev === "slot" && i !== undefined ? [i] : [];
    }),
  );
}
