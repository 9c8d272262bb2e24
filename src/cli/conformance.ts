import { existsSync, fstatSync, readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { type Command, Option } from "commander";
import type { ConformanceResult } from "../conformance/result.ts";
import { INTERPRETER } from "../conformance/result.ts";
import { oneLine, UserError } from "../error.ts";
import { newCommand } from "./command.ts";
import { addShared, readShared, type SharedOptions } from "./options.ts";

const WHICH = "which suite? expected vector files, .data files or folders of them";
/** Failures that the report for people shows; every one counts. */
const SHOWN = 20;

interface ConformanceOptions extends SharedOptions {
  /** profiles and "interpreter" */
  on: string[];
}

const PLUGIN = `
As a plugin: jitproof conformance [MEM] [--program HEX] [--elf] [--profile P | --interpreter]
  MEM       the memory that R1 points to (R2: its length), one argument of hex bytes; left out where there is none
  stdin     the program: hex bytes, blanks between them or none; with --elf those of an object (R_BPF_64_32 calls, no maps)
  stdout    R0 in hex, without 0x
  exit 0    the program returned; 1: it did not, stderr says why; 2: the input is no program
`;

export function command(): Command {
  const conformance = newCommand(
    "conformance",
    "Runs other projects' test suites through the interpreter and the JIT.",
  );
  conformance.argument(
    "[PATH...]",
    "vector files (.jsonl, .jsonl.gz, .jsonl.br), .data files of bpf_conformance and ubpf, or folders of those",
  );
  conformance.addOption(new Option("--interpreter", "run in the interpreter; with --profile there, too"));
  conformance.addOption(new Option("--plugin", "be a plugin of bpf_conformance, also where it is not said; see below"));
  conformance.addOption(new Option("--program <HEX>", "plugin: the program, instead of stdin"));
  conformance.addOption(new Option("--elf", "plugin: the program is an ELF object"));
  addShared(conformance, ["filter", "profile", "reporter", "jobs"]);
  conformance.addHelpText("after", PLUGIN);
  return conformance.action(async (paths: string[], parsed: Record<string, unknown>) => {
    const options = await readOptions(parsed);
    if (isPlugin(paths, parsed)) await bePlugin(paths, parsed, options);
    else await runSuites(paths, options);
  });
}

/** All of stdin; "" where nobody has written to it. */
function standardInput(): string {
  try {
    return readFileSync(0, "latin1");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return "";
    throw error;
  }
}

const HEX = /^(?:\s*[0-9a-fA-F]{2})+\s*$/;

/** bpf_conformance's runner says nothing but the memory, where there is one, and its options; the program comes on stdin. */
function isPlugin(paths: string[], { plugin, program, elf }: Record<string, unknown>): boolean {
  if (plugin || program !== undefined || elf) return true;
  if (paths.length === 1) return HEX.test(paths[0]) && !existsSync(paths[0]);
  if (paths.length) return false;
  const stdin = fstatSync(0);
  return stdin.isFIFO() || stdin.isFile() || stdin.isSocket();
}

/** Without --profile and --interpreter: the interpreter and the newest kernel. */
async function readOptions(parsed: Record<string, unknown>): Promise<ConformanceOptions> {
  const shared = await readShared(parsed);
  const interpreter = parsed.interpreter === true;
  const { defaultProfiles } = await import("../runner/profiles.ts");
  const profiles = parsed.profile ? shared.profiles : interpreter ? [] : defaultProfiles().slice(-1);
  const isBoth = interpreter || !parsed.profile;
  return { ...shared, on: isBoth ? [INTERPRETER, ...profiles] : profiles, jobs: shared.jobs || availableParallelism() };
}

/** R0 in hex on stdout; or one line on stderr, and 1. */
async function bePlugin(paths: string[], parsed: Record<string, unknown>, { on }: ConformanceOptions): Promise<void> {
  if (paths.length > 1) throw new UserError("--plugin takes one argument: the memory, in hex");
  if (parsed.profile && on.length > 1)
    throw new UserError("--plugin runs a program in one place: one --profile, or --interpreter");
  const { runPlugin } = await import("../conformance/plugin.ts");
  const program = (parsed.program as string | undefined) ?? standardInput();
  if (!program.trim() && !paths.length && !parsed.plugin) throw new UserError(WHICH);
  const place = on[on.length - 1];
  const output = runPlugin({ program, memory: paths[0] ?? "", elf: parsed.elf === true, on: place });
  if ("r0" in output) process.stdout.write(`${output.r0.toString(16)}\n`);
  else {
    process.stderr.write(`${oneLine(output.error)}\n`);
    process.exitCode = 1;
  }
}

async function runSuites(paths: string[], options: ConformanceOptions): Promise<void> {
  if (!paths.length) throw new UserError(WHICH);
  const results = await suites(paths, options);
  if (options.reporter === "pretty") return reportPretty(results, options);
  const [{ Output }, { reporter }] = await Promise.all([import("./output.ts"), import("../report/index.ts")]);
  const output = new Output(options.output, options.color);
  const report = await reporter(options.reporter);
  const { failed } = await report(results, output.reportOptions());
  output.close();
  process.exitCode = failed ? 1 : 0;
}

async function suites(paths: string[], options: ConformanceOptions): Promise<AsyncIterable<ConformanceResult>> {
  const { on, filter, jobs } = options;
  const settings = { on, ...(filter ? { filter } : {}) };
  const vectors = paths.filter(isVectorFile);
  const others = paths.filter((path) => !isVectorFile(path));
  const { runVectors } = await import("../conformance/vectors.ts");
  const { runDataFiles } = await import("../conformance/data/run-all.ts");
  return (async function* () {
    if (vectors.length) yield* runVectors({ files: vectors, jobs, ...settings });
    if (others.length) yield* runDataFiles(others, settings);
  })();
}

function isVectorFile(path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) throw new UserError("no such file or folder", { file: path });
  if (stat.isDirectory() || path.endsWith(".data")) return false;
  if (/\.jsonl(\.gz|\.br)?$/.test(path)) return true;
  throw new UserError("expected a vector file (.jsonl, .jsonl.gz, .jsonl.br), a .data file or a folder", {
    file: path,
  });
}

async function reportPretty(results: AsyncIterable<ConformanceResult>, options: ConformanceOptions): Promise<void> {
  const [{ Output }, { Progress }, { ConformanceTally }, { problemLines, problems }] = await Promise.all([
    import("./output.ts"),
    import("./progress.ts"),
    import("../report/conformance.ts"),
    import("../report/problem.ts"),
  ]);
  const output = new Output(options.output, options.color);
  const progress = new Progress(undefined);
  const { colors, write, elapsed } = output.reportOptions(progress);
  const tally = new ConformanceTally();
  let cases = 0;
  let failures = 0;
  for await (const result of progress.watch(results)) {
    if (result.profile === options.on[0]) cases++;
    tally.add(result, String(cases));
    if (result.verdict !== "fail" || failures++ >= SHOWN) continue;
    write(`${colors.red("✗")} ${colors.bold(result.scenario)} on ${result.profile}\n`);
    for (const problem of problems(result)) for (const line of problemLines(problem)) write(`    ${line}\n`);
  }
  if (failures > SHOWN) write(`... and ${failures - SHOWN} more\n`);
  const inapplicable = tally.inapplicable();
  if (inapplicable.length) write("not applicable:\n");
  for (const line of inapplicable) write(`${colors.yellow("-")} ${line}\n`);
  for (const line of [...tally.places(colors), ...tally.notes()]) write(`${line}\n`);
  const paint = tally.failed ? colors.red : colors.green;
  write(`${paint(tally.summary(elapsed()))}\n`);
  output.close();
  process.exitCode = tally.failed ? 1 : 0;
}
