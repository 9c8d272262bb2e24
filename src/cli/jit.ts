import { type Command, Option } from "commander";
import type { X86Profile } from "../../jit/profile.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import { UserError } from "../error.ts";
import { listAsm } from "../report/jit/asm.ts";
import type { CompiledProgram } from "../report/jit/compiled.ts";
import { listHex } from "../report/jit/hex.ts";
import { compiledJson } from "../report/jit/json.ts";
import { assembleScenario, buildWorld } from "../runner/build.ts";
import { listImage } from "../runner/code-listing.ts";
import { withKernelOffsets } from "../runner/offsets.ts";
import { defaultProfiles } from "../runner/profiles.ts";
import type { ProgramType } from "../scenario/names.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { hint } from "../suggest.ts";
import { newCommand } from "./command.ts";
import { addObject, type ObjectOptions } from "./object-options.ts";
import { addShared, readShared } from "./options.ts";
import { Output } from "./output.ts";
import { addAssembly, loadProgramFile, profilesFor } from "./program-file.ts";

const FORMATS = ["asm", "hex", "json", "bin"] as const;

interface JitOptions extends ObjectOptions {
  profile?: string[];
  format: (typeof FORMATS)[number];
  passes?: boolean;
  xlated?: boolean;
  output?: string;
  program?: string;
  map?: string[];
  type?: ProgramType;
}

export function command(): Command {
  const jit = newCommand("jit", "Compiles programs and shows the machine code with what it is for.");
  jit.argument("<FILE>", "an ELF object, BPF assembly, or a scenario (.yaml, or its name in the catalogue)");
  jit.addOption(new Option("--format <F>", FORMATS.join(", ")).choices(FORMATS).default("asm"));
  jit.addOption(new Option("--passes", "asm: how large the code is after each pass, until its size is stable"));
  jit.addOption(
    new Option(
      "--xlated",
      "the BPF as it is loaded beside what the verifier hands the JIT, and what that saves",
    ).conflicts("passes"),
  );
  jit.addOption(new Option("--program <NAME>", "only this program of the scenario"));
  jit.addOption(new Option("--output <FILE>", "write there instead of to stdout"));
  addObject(addAssembly(addShared(jit, ["profile", "offsets"])), ["set", "btf"]);
  return jit.action(async (file: string, parsed: JitOptions) => {
    const { profiles, color, offsets } = await readShared(parsed as unknown as Record<string, unknown>);
    const scenario = loadProgramFile(file, parsed, true);
    checkProgram(scenario, parsed.program);
    const wanted = profilesFor(scenario, parsed.profile && profiles, defaultProfiles());
    if (parsed.xlated) return showXlated(scenario, wanted, parsed, color);
    const compiled = wanted.flatMap((profile) =>
      compile(scenario, withKernelOffsets(profileNamed(profile)!, offsets), parsed.program),
    );
    write(compiled, parsed, color);
  });
}

async function showXlated(scenario: Scenario, profiles: string[], options: JitOptions, color: boolean): Promise<void> {
  const { format, program, output: file } = options;
  if (format !== "asm" && format !== "json")
    throw new UserError(`--xlated has no format ${format}; expected asm or json`);
  const [{ rewritten }, { listXlated, xlatedJson }] = await Promise.all([
    import("../runner/code/rewritten.ts"),
    import("../report/jit/xlated.ts"),
  ]);
  const all = profiles.map((profile) => rewritten(scenario, profile, program));
  const output = new Output(file, color);
  if (format === "json") output.write(xlatedJson(all));
  else for (const piece of listXlated(all, output.reportOptions().colors)) output.write(piece);
  output.close();
}

function checkProgram({ programs, file }: Scenario, name: string | undefined): void {
  const names = programs.map((program) => program.name);
  if (name !== undefined && !names.includes(name))
    throw new UserError(`has no program "${name}"${hint(name, names)}`, { file });
}

function compile(scenario: Scenario, profile: X86Profile, only: string | undefined): CompiledProgram[] {
  const world = buildWorld(scenario, assembleScenario(scenario), profile);
  const { machine } = world.session;
  try {
    return [...world.programs]
      .filter(([name]) => only === undefined || name === only)
      .map(([name, { functions }]) => ({
        name,
        profile: profile.name,
        functions: functions.map(({ image }) => ({
          image,
          lines: listImage(image, world.book, (address) => {
            const at = machine.functionAt(address);
            return at
              ? `${at.func.image.name}${at.offset ? `+0x${at.offset.toString(16)}` : ""}`
              : machine.symbols.nameAt(address);
          }),
        })),
      }));
  } finally {
    machine.close();
  }
}

function write(compiled: CompiledProgram[], { format, passes, output: file }: JitOptions, color: boolean): void {
  if (format === "bin") checkBinary(compiled, file);
  const output = new Output(file, color);
  const { colors } = output.reportOptions();
  if (format === "json") output.write(compiledJson(compiled));
  else if (format === "bin")
    for (const { functions } of compiled) for (const { image } of functions) output.write(image.bytes);
  else
    compiled.forEach((program, i) => {
      if (i > 0 && format === "asm") output.write("\n");
      const pieces = format === "asm" ? listAsm(program, colors, passes ?? false) : listHex(program);
      for (const piece of pieces) output.write(piece);
    });
  output.close();
}

function checkBinary(compiled: CompiledProgram[], file: string | undefined): void {
  const [first, ...others] = compiled;
  if (others.some(({ name }) => name !== first.name))
    throw new UserError(
      `--format bin writes one program; expected --program with one of ${compiled.map(({ name }) => name).join(", ")}`,
    );
  if (others.length) throw new UserError("--format bin writes one program; expected one --profile");
  if (file === undefined && process.stdout.isTTY)
    throw new UserError("--format bin is not for a terminal; expected --output FILE or a pipe");
}
