import type { X86Profile } from "../../jit/profile.ts";
import { profileNamed, profileNames } from "../../jit/profiles/index.ts";
import { UserError } from "../error.ts";
import { type ComparedDump, compareDump } from "../import/dump/compare.ts";
import { readDump } from "../import/dump/read.ts";
import { DumpMismatch } from "../import/dump/xlated-program.ts";
import { comparisonResult } from "../report/compare.ts";
import { kernelText } from "../report/dump/recognised.ts";
import { problemLines, problems } from "../report/problem.ts";
import type { RunResult } from "../runner/result.ts";
import { type DumpOptions, type OpenDump, openDump } from "./dump-options.ts";
import type { Output } from "./output.ts";

/** Machine code, and the BPF that it was made from. */
interface Pair {
  dump: OpenDump;
  bpf: Uint8Array;
}

/** Of the files one is machine code and the other the xlated BPF. Throws UserError. */
function openPair(files: readonly string[], options: DumpOptions, profiles?: readonly string[]): Pair {
  const read = files.map((file) => ({
    file,
    dump: readDump(file, options.at === undefined ? {} : { at: options.at }),
  }));
  const code = read.filter(({ dump }) => dump.functions.length);
  const bpf = read.filter(({ dump }) => dump.bpf.length);
  if (code.length !== 1 || bpf.length !== 1)
    throw new UserError(
      "expected two dumps of a program: bpftool prog dump jited ... opcodes (or another of machine code), and prog dump xlated ... opcodes",
      { file: files[0] },
    );
  return { dump: openDump(code[0].file, options, profiles), bpf: bpf[0].dump.bpf[0].bytes };
}

/** Compile the BPF and hold it against the machine code. Throws UserError. */
export function compareDumps(
  files: readonly string[],
  options: DumpOptions,
  profiles?: readonly string[],
): ComparedDump & { dump: OpenDump; result: RunResult } {
  const { dump, bpf } = openPair(files, options, profiles);
  const start = performance.now();
  try {
    const found = compareDump(
      dump.file,
      bpf,
      dump.functions,
      profiles ? profiles.map((name) => profileNamed(name)!) : likely(dump),
    );
    const result = comparisonResult(found.profile.name, dump.file, found.compared, performance.now() - start);
    return { ...found, dump, result };
  } catch (error) {
    if (error instanceof DumpMismatch) throw new UserError(error.message, { file: dump.file }, { cause: error });
    throw error;
  }
}

/** The profiles that the bytes look like, each with all its variants. */
function likely({ kernel }: OpenDump): X86Profile[] {
  const bases = kernel?.profiles ?? [];
  const variants = bases.flatMap(({ name, features }) =>
    profileNames()
      .filter((candidate) => candidate.startsWith(`${name}+`))
      .map((candidate) => profileNamed(candidate)!)
      .map((profile) => ({ ...profile, features: { ...profile.features, ibt: features.ibt } })),
  );
  return [...bases, ...variants];
}

/** The report for people. Returns whether all is the same. */
export function compareDumpsPretty(
  files: readonly string[],
  options: DumpOptions,
  profiles: readonly string[] | undefined,
  output: Output,
): boolean {
  const { colors, write } = output.reportOptions();
  const { dump, compared, profile, learned, result } = compareDumps(files, options, profiles);
  const all = compared.functions.length;
  const same = compared.functions.filter(({ loaded }) => !loaded).length;
  write(`${colors.bold(dump.file)}  ${dump.format}; ${kernelText(dump.kernel)}; nearest: ${profile.name}\n`);
  write(`  ${learned} address${learned === 1 ? "" : "es"} of maps and kernel functions taken from the dump\n`);
  if (same < all)
    for (const problem of problems(result).slice(0, 3))
      for (const line of problemLines(problem, colors.bold)) write(`    ${line}\n`);
  const paint = same === all ? colors.green : colors.red;
  write(`${paint(`identical ${same} of ${all} functions`)}\n`);
  return same === all;
}
