import { VerifierError, verify } from "../../bpf/verifier/index.ts";
import type { X86Profile } from "../../jit/profile.ts";
import { profileNamed, profileNames } from "../../jit/profiles/index.ts";
import { UserError } from "../error.ts";
import { type BpfFor, type ComparedDump, compareDump, dumpedBpf } from "../import/dump/compare.ts";
import { readDump } from "../import/dump/read.ts";
import { DumpMismatch } from "../import/dump/xlated-program.ts";
import { comparisonResult } from "../report/compare.ts";
import { kernelText } from "../report/dump/recognised.ts";
import { problemLines, problems } from "../report/problem.ts";
import { assembleScenario } from "../runner/build.ts";
import type { RunResult } from "../runner/result.ts";
import { verifierOf } from "../runner/verifier-of.ts";
import { type DumpOptions, type OpenDump, openDump } from "./dump-options.ts";
import type { Output } from "./output.ts";
import { loadProgramFile } from "./program-file.ts";

/** Machine code, and the BPF that it was made from. */
interface Pair {
  dump: OpenDump;
  bpf: BpfFor;
}

const EXPECTED =
  "expected machine code (bpftool prog dump jited ... opcodes, or another dump) and its BPF: prog dump xlated ... opcodes, or a scenario";

/** Of the files one is machine code and the other the xlated BPF, or a scenario. Throws UserError. */
function openPair(files: readonly string[], options: DumpOptions, profiles?: readonly string[]): Pair {
  const scenarios = files.filter((file) => /\.ya?ml$/.test(file));
  const read = files
    .filter((file) => !scenarios.includes(file))
    .map((file) => ({ file, dump: readDump(file, options.at === undefined ? {} : { at: options.at }) }));
  const code = read.filter(({ dump }) => dump.functions.length);
  const bpf = read.filter(({ dump }) => dump.bpf.length);
  if (code.length !== 1 || bpf.length + scenarios.length !== 1) throw new UserError(EXPECTED, { file: files[0] });
  const dump = openDump(code[0].file, options, profiles);
  if (scenarios.length) return { dump, bpf: scenarioBpf(scenarios[0], dump.functions.length) };
  try {
    return { dump, bpf: dumpedBpf(bpf[0].dump.bpf[0].bytes, dump.functions) };
  } catch (error) {
    if (error instanceof DumpMismatch) throw new UserError(error.message, { file: dump.file }, { cause: error });
    throw error;
  }
}

/** The scenario's program with as many functions as the machine code has, as each profile's verifier leaves it. */
function scenarioBpf(file: string, functions: number): BpfFor {
  const scenario = loadProgramFile(file, {});
  const { maps, programs } = assembleScenario(scenario);
  const fitting = programs.filter(({ program }) => program.functions.length === functions);
  if (!fitting.length)
    throw new UserError(
      `has no program of ${functions} function${functions === 1 ? "" : "s"}, as the machine code is`,
      { file },
    );
  return (profile) => {
    try {
      return verify(fitting[0].program, maps, verifierOf(profile), []);
    } catch (error) {
      if (error instanceof VerifierError) return `the verifier of ${profile.name} refuses it: ${error.message}`;
      throw error;
    }
  };
}

/** Compile the BPF and hold it against the machine code. Throws UserError. */
export function compareDumps(
  files: readonly string[],
  options: DumpOptions,
  profiles?: readonly string[],
): ComparedDump & { dump: OpenDump; result: RunResult } {
  const { dump, bpf } = openPair(files, options, profiles);
  const start = performance.now();
  const asked = profiles?.map((name) => profileNamed(name)!);
  const found = compareDump(dump.file, bpf, dump.functions, asked ?? likely(dump));
  const result = comparisonResult(found.profile.name, dump.file, found.compared, performance.now() - start);
  return { ...found, dump, result };
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
