import { assemble } from "../../bpf/asm/assemble.ts";
import { AsmError } from "../../bpf/asm/error.ts";
import { type LineInfo, lineAt, type MapDef, type Program } from "../../bpf/program.ts";
import type { KernelFeatures } from "../../bpf/verifier/index.ts";
import { VerifierError, verify } from "../../bpf/verifier/index.ts";
import type { Xlated } from "../../bpf/xlated.ts";
import { OutOfSpace } from "../../emulator/allocator.ts";
import { behaviourOf } from "../../emulator/behaviour.ts";
import { Kernel } from "../../emulator/kernel.ts";
import type { MachineLayout } from "../../emulator/layout.ts";
import type { NativeOptions } from "../../emulator/native/engine.ts";
import type { PlacedFunction } from "../../emulator/placed.ts";
import { JitError } from "../../jit/error.ts";
import { kernelOf, type X86Profile } from "../../jit/profile.ts";
import { UserError } from "../error.ts";
import type { Position } from "../scenario/lines.ts";
import { programError, programLines } from "../scenario/program-error.ts";
import type { ProgramSpec, Scenario } from "../scenario/scenario.ts";
import { MAP_TYPE_NUMBERS, PROGRAM_TYPE_NUMBERS } from "../scenario/type-numbers.ts";
import { attachPrograms, resolveAttachments, type TracedKernelFunction } from "./attach.ts";
import { ProgramBook } from "./code-book.ts";
import { handedOver } from "./handed-over.ts";
import { loadProgram, type Rework } from "./load-program.ts";
import type { SourceLine } from "./locate.ts";
import { machineFor } from "./machine.ts";
import { Refusal } from "./refusal.ts";
import { Session } from "./session.ts";
import { verifierOf } from "./verifier-of.ts";

/** A scenario's programs and maps in a kernel. Close the machine. */
export interface World {
  session: Session;
  kernel: Kernel;
  programs: Map<string, LoadedSource>;
  features: KernelFeatures;
  /** where each machine instruction comes from */
  book: ProgramBook;
  /** the kernel's functions that are there because programs are attached to them */
  kernelFunctions: Map<string, TracedKernelFunction>;
}

/** A program of the scenario, verified, compiled and placed. */
export interface LoadedSource {
  /** bpf_func of its main function */
  entry: bigint;
  /** enum bpf_prog_type */
  type: number;
  xlated: Xlated;
  functions: PlacedFunction[];
  /** what a run of it calls instead: the kernel's function that it is attached to */
  traces?: TracedKernelFunction;
}

/** Everything of the scenario that doesn't depend on the profile: maps and assembled programs. Throws UserError. */
export interface Source {
  maps: MapDef[];
  programs: { spec: ProgramSpec; program: Program }[];
}

/** Assemble the scenario's programs. Throws UserError with the place in its file. */
export function assembleScenario(scenario: Scenario): Source {
  const maps = scenario.maps.map(
    ({ name, type, keySize, valueSize, maxEntries, frozen, values }): MapDef => ({
      name,
      type: MAP_TYPE_NUMBERS[type],
      keySize,
      valueSize,
      maxEntries,
      ...(frozen && values[0]?.value.kind === "bytes" ? { frozen: values[0].value.bytes } : {}),
    }),
  );
  const names = maps.map(({ name }) => name);
  const programs = scenario.programs.map((spec) => ({ spec, program: assembleProgram(scenario, spec, names) }));
  resolveAttachments(scenario, programs);
  return { maps, programs };
}

function assembleProgram(scenario: Scenario, spec: ProgramSpec, maps: string[]): Program {
  if (spec.compiled) return spec.compiled;
  try {
    const { insns, functions, relocs, lines } = assemble(spec.code.text, { maps, entry: spec.name });
    return { name: spec.name, type: PROGRAM_TYPE_NUMBERS[spec.type], insns, relocs, functions, lines };
  } catch (error) {
    if (error instanceof AsmError) throw programError(scenario, spec, error);
    throw error;
  }
}

export interface WorldOptions {
  engine?: NativeOptions;
  /** not at a kernel's addresses */
  place?: Pick<MachineLayout, "bases" | "textBase">;
  /** changes the machine code before it is placed */
  rework?: Rework;
}

/** Verify, compile and load the scenario on a fresh machine. Throws UserError. */
export function buildWorld(scenario: Scenario, source: Source, profile: X86Profile, options: WorldOptions = {}): World {
  const features = verifierOf(profile);
  const machine = machineFor(profile, features, options.engine, options.place);
  const kernel = new Kernel(machine, behaviourOf(kernelOf(profile)));
  const book = new ProgramBook();
  const programs = new Map<string, LoadedSource>();
  source.maps.forEach((def, i) => {
    try {
      kernel.addMap(def);
    } catch (error) {
      machine.close();
      throw tooLarge(error, scenario, `maps.${def.name}`, scenario.maps[i].at);
    }
  });
  const all = source.programs.map(({ program }) => program);
  for (const { spec, program } of source.programs) {
    try {
      const xlated = spec.xlated ? handedOver(program, scenario, spec) : verify(program, source.maps, features, all);
      book.add(spec.name, xlated, lineFinder(scenario, spec, program), sourceFinder(program));
      const functions = loadProgram(kernel, spec.name, xlated, profile, {}, options.rework);
      programs.set(spec.name, { entry: functions[0].entry, type: program.type, xlated, functions });
    } catch (error) {
      machine.close();
      throw refused(error, scenario, spec, program, profile);
    }
  }
  const session = new Session(kernel, book);
  const world: World = { session, kernel, programs, features, book, kernelFunctions: new Map() };
  try {
    attachPrograms(world, scenario, source, profile);
  } catch (error) {
    machine.close();
    throw error;
  }
  return world;
}

/** Lines of the scenario's file that slots of the program as written come from, worked out when somebody asks. */
function lineFinder(scenario: Scenario, spec: ProgramSpec, program: Program): (slot: number) => number | undefined {
  let inFile: ((line: number) => number) | undefined;
  return (slot) => {
    const line = program.lines?.[slot];
    inFile ??= programLines(scenario, spec);
    return line ? inFile(line) : undefined;
  };
}

/** Lines of the C source that slots of a compiled program come from; undefined: its object does not tell. */
function sourceFinder({ lineInfo = [] }: Program): ((slot: number) => SourceLine | undefined) | undefined {
  return lineInfo.length ? (slot) => sourceLine(lineAt(lineInfo, slot)) : undefined;
}

const sourceLine = (info: LineInfo | undefined): SourceLine | undefined =>
  info?.line ? { file: info.file, line: info.line, ...(info.text ? { text: info.text } : {}) } : undefined;

/** The machine has no room for something of the scenario; other errors as they are. */
function tooLarge(error: unknown, scenario: Scenario, what: string, at: Position): unknown {
  if (!(error instanceof OutOfSpace)) return error;
  return new UserError(`${what} does not fit: ${error.message}`, { file: scenario.file, ...at }, { cause: error });
}

/** What the verifier or the JIT has against the program, at the line that is to blame. */
function refused(
  error: unknown,
  scenario: Scenario,
  spec: ProgramSpec,
  program: Program,
  profile: X86Profile,
): unknown {
  if (!(error instanceof VerifierError || error instanceof JitError))
    return tooLarge(error, scenario, spec.name, spec.at);
  const who = error instanceof VerifierError ? "the verifier" : "the JIT";
  const unresolved = program.unresolved?.find(({ slot }) => slot === error.slot)?.what;
  const message = `${spec.name}: ${who} of ${profile.name} refuses: ${unresolved ?? error.message}`;
  const line = error.slot >= 0 ? program.lines?.[error.slot] : undefined;
  const source = error.slot >= 0 ? lineAt(program.lineInfo ?? [], error.slot) : undefined;
  const problem = source
    ? new UserError(message, { file: source.file, line: source.line, column: source.column }, { cause: error })
    : line
      ? programError(scenario, spec, { line, column: 1, message })
      : new UserError(message, { file: scenario.file, ...spec.at }, { cause: error });
  return error instanceof VerifierError ? new Refusal(problem, program, `${spec.name}: ${error.message}`) : problem;
}
