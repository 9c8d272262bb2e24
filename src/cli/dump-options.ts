import { existsSync, statSync } from "node:fs";
import { type Command, Option } from "commander";
import type { X86Profile } from "../../jit/profile.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import { UserError } from "../error.ts";
import { dumpOfCapture } from "../import/dump/captured.ts";
import { Kallsyms } from "../import/dump/kallsyms.ts";
import { placeDump } from "../import/dump/place.ts";
import { looksLikeDump, readDump } from "../import/dump/read.ts";
import { type DumpRunOptions, entriesOf, functionNamed } from "../import/dump/replay.ts";
import { readBinary } from "../import/object.ts";
import { type RecognisedKernel, recogniseKernel } from "../import/recognise/profiles.ts";
import type { Recognised } from "../import/recognise/recognise.ts";
import { PROGRAM_TYPES, type ProgramType } from "../scenario/names.ts";
import { hint } from "../suggest.ts";
import { isCapturePath } from "./captures.ts";

/** As commander gives them. */
export interface DumpOptions {
  at?: bigint;
  kallsyms?: string;
  entry?: string[];
  slot?: [number, string][];
  returns?: [string, bigint][];
  type?: ProgramType;
}

/** Options for a file of machine code, for a command that has no --slot, --entry and --type of its own. */
export function addDump(command: Command): Command {
  return addDumpPlaces(command)
    .addOption(
      new Option("--slot <I=FUNCTION>", "dump: what indirect tail calls find in a slot; may be repeated").argParser(
        (text: string, before?: [number, string][]) => [...(before ?? []), dumpSlot(text)],
      ),
    )
    .addOption(
      new Option(
        "--entry <FUNCTION>",
        "dump: enter this one (default: all that no other calls); may be repeated",
      ).argParser((text: string, before?: string[]) => [...(before ?? []), text]),
    )
    .addOption(
      new Option("--type <TYPE>", `dump: ${PROGRAM_TYPES.join(", ")} (default: classifier)`).argParser(programType),
    );
}

/** Options that say where a dump's functions were, and what is around them. */
export function addDumpPlaces(command: Command): Command {
  return command
    .addOption(new Option("--at <ADDRESS>", "dump: where the first byte of raw bytes or hex was").argParser(address))
    .addOption(new Option("--kallsyms <FILE>", "dump: /proc/kallsyms of the kernel it is from"))
    .addOption(
      new Option(
        "--returns <FUNCTION=VALUE>",
        "dump: what a C function returns (default 0); may be repeated",
      ).argParser((text: string, before?: [string, bigint][]) => [...(before ?? []), returns(text)]),
    );
}

/** Whether a file is to be taken for a dump: an option says so, or what is in it. */
export function isDumpFile(file: string, said: boolean): boolean {
  if (/\.jsonl(\.br|\.gz)?$/.test(file)) return true;
  if (/\.ya?ml$/.test(file) || !existsSync(file) || !statSync(file).isFile()) return false;
  return said || looksLikeDump(readBinary(file, "a dump"));
}

/** Functions that are entered unless somebody names them. */
const MOST_ENTRIES = 64;

/** A dump, what its bytes tell, and how it is to be run. */
export interface OpenDump {
  file: string;
  format: string;
  notes: string[];
  functions: Recognised[];
  kernel: RecognisedKernel | undefined;
  profile: X86Profile;
  kallsyms?: Kallsyms;
  run: DumpRunOptions;
  entries: string[];
  /** symbol, function of the dump, or nothing */
  nameOf(address: bigint): string | undefined;
}

/** Read a dump and recognise what is in it; `profiles`: on what kernel to run it, else the newest that fits. Throws UserError. */
export function openDump(file: string, options: DumpOptions, profiles?: readonly string[]): OpenDump {
  const { at, entry, slot: slots = [], returns: values = [], type = "classifier" } = options;
  const kallsyms = options.kallsyms === undefined ? undefined : readKallsyms(options.kallsyms);
  const captured = isCapturePath(file);
  const entries = captured ? undefined : entry;
  const dump = captured
    ? dumpOfCapture(file, entry?.[0])
    : readDump(file, { ...(at === undefined ? {} : { at }), ...(kallsyms ? { kallsyms } : {}) });
  if (!dump.functions.length)
    throw new UserError("is BPF, not machine code; replay it beside the machine code, or run it with jitproof run", {
      file,
    });
  const { functions, notes } = placeDump(dump);
  for (const { name, bytes, pieces } of functions)
    if (pieces.bad !== undefined)
      throw new UserError(
        `${name}+0x${pieces.bad.toString(16)}: ${Buffer.from(bytes.subarray(pieces.bad, pieces.bad + 8)).toString("hex")} is no x86-64 instruction${otherCpu(bytes) || " (cut short?)"}`,
        { file, ...dump.functions[0].at },
      );
  const overlap = overlapping(functions);
  if (overlap) throw new UserError(`${overlap[0]} and ${overlap[1]} are at the same addresses`, { file });
  const kernel = recogniseKernel(functions);
  const profile = profileNamed(profiles?.[0] ?? "") ?? kernel?.profiles.at(-1) ?? profileNamed("linux-6.12")!;
  const all = entriesOf(functions);
  if (!entries && all.length > MOST_ENTRIES)
    notes.push(
      `of ${all.length} functions that no other calls the first ${MOST_ENTRIES} are run; --entry names others`,
    );
  const run: DumpRunOptions = {
    type,
    returns: new Map(values),
    slots: new Map(slots.map(([index, name]) => [index, functionNamed(functions, name, file)])),
    ...(kallsyms ? { kallsyms } : {}),
  };
  return {
    file,
    format: dump.format,
    notes,
    functions,
    kernel,
    profile,
    ...(kallsyms ? { kallsyms } : {}),
    run,
    entries: entries?.map((name) => functionNamed(functions, name, file)) ?? all.slice(0, MOST_ENTRIES),
    nameOf: (to) => nameIn(functions, to) ?? kallsyms?.nameAt(to),
  };
}

function nameIn(functions: readonly Recognised[], to: bigint): string | undefined {
  const found = functions.find(({ address, bytes }) => to >= address && to < address + BigInt(bytes.length));
  if (!found) return undefined;
  const offset = Number(to - found.address) - (found.prologue?.entry ?? 0);
  return offset === 0 ? found.name : `${found.name}+0x${(to - found.address).toString(16)}`;
}

function overlapping(functions: readonly Recognised[]): [string, string] | undefined {
  const sorted = [...functions].sort((a, b) => (a.address < b.address ? -1 : 1));
  for (let i = 1; i < sorted.length; i++)
    if (sorted[i - 1].address + BigInt(sorted[i - 1].bytes.length) > sorted[i].address)
      return [sorted[i - 1].name, sorted[i].name];
  return undefined;
}

/** What arm64 (bti c, mov x9 x30, stp x29 x30), s390 and RISC-V begin functions with. */
function otherCpu(bytes: Uint8Array): string {
  const start = Buffer.from(bytes.subarray(0, 16)).toString("hex");
  if (/5f2403d5|fd7bbfa9|e9031eaa/.test(start)) return ": this is arm64's";
  if (/d503245f|a9bf7bfd|aa1e03e9/.test(start)) return ": this is arm64's, its words byte-swapped";
  if (/e48948?55|441f0f00/.test(start)) return ": the bytes of its words are in the wrong order";
  return "";
}

function readKallsyms(file: string): Kallsyms {
  return new Kallsyms(new TextDecoder().decode(readBinary(file, "kernel symbols")), file);
}

function address(text: string): bigint {
  if (!/^(0x)?[0-9a-fA-F]{1,16}$/.test(text))
    throw new UserError(`--at ${text}: expected an address such as 0xffffffffc0001000`);
  return BigInt(text.startsWith("0x") ? text : `0x${text}`);
}

/** "0=entry" */
export function dumpSlot(text: string): [number, string] {
  const [, index, name] = /^(\d{1,4})=(\S+)$/.exec(text) ?? [];
  if (name === undefined) throw new UserError(`--slot ${text}: expected INDEX=FUNCTION, e.g. 0=entry`);
  return [Number(index), name];
}

function returns(text: string): [string, bigint] {
  const [, name, value] = /^(\S+)=(-?\d{1,20}|0x[0-9a-fA-F]{1,16})$/.exec(text) ?? [];
  if (name === undefined)
    throw new UserError(`--returns ${text}: expected FUNCTION=VALUE, e.g. bpf_map_lookup_elem=0xffff888100000000`);
  return [name, BigInt.asUintN(64, BigInt(value))];
}

function programType(name: string): ProgramType {
  const known = PROGRAM_TYPES.find((type) => type === name);
  if (!known) throw new UserError(`unknown program type "${name}"${hint(name, PROGRAM_TYPES)}`);
  return known;
}
