import { type Command, Option } from "commander";
import { UserError } from "../error.ts";
import { defaultProfiles } from "../runner/profiles.ts";
import { POINTS, parseTracePoint, type TracePoint } from "../runner/trace/point.ts";
import type { ProgramType } from "../scenario/names.ts";
import { newCommand } from "./command.ts";
import { addDumpPlaces, type DumpOptions, dumpSlot, isDumpFile, openDump } from "./dump-options.ts";
import { addObject, type ObjectOptions } from "./object-options.ts";
import { addShared, readShared } from "./options.ts";
import { Output } from "./output.ts";
import { addAssembly, loadProgramFile, profilesFor } from "./program-file.ts";
import type { Traced } from "./trace/traced.ts";

interface TraceOptions extends ObjectOptions, Pick<DumpOptions, "at" | "kallsyms" | "returns"> {
  profile?: string[];
  from?: TracePoint;
  until?: TracePoint;
  calls?: boolean;
  stack?: boolean;
  json?: boolean;
  output?: string;
  map?: string[];
  type?: ProgramType;
}

export function command(): Command {
  const trace = newCommand("trace", "Runs a scenario, or a dump, and shows every instruction with what it changed.");
  trace.argument(
    "<SCENARIO>",
    "a scenario (.yaml, or its name in the catalogue), an ELF object, BPF assembly, or machine code as replay takes it (of a capture the set that --entry names)",
  );
  trace.addOption(new Option("--from <POINT>", `begin there: ${POINTS}`).argParser(point));
  trace.addOption(new Option("--until <POINT>", "end there, that instruction included").argParser(point));
  trace.addOption(new Option("--calls", "only the tree of calls and tail calls").conflicts(["from", "until", "stack"]));
  trace.addOption(new Option("--stack", "only the stack, drawn at each tail call").conflicts(["from", "until"]));
  trace.addOption(new Option("--json", "one JSON object a line"));
  trace.addOption(new Option("--output <FILE>", "write there instead of to stdout"));
  addObject(addAssembly(addShared(trace, ["profile", "offsets"])));
  addDumpPlaces(trace);
  return trace.action(async (file: string, parsed: TraceOptions) => {
    const { profiles, color, offsets } = await readShared(parsed as unknown as Record<string, unknown>);
    if (isDumpFile(file, parsed.at !== undefined || parsed.kallsyms !== undefined))
      return traceDump(file, parsed, parsed.profile && profiles, color);
    const scenario = loadProgramFile(file, parsed);
    const wanted = profilesFor(scenario, parsed.profile && profiles, defaultProfiles());
    const show = await view(parsed);
    const output = new Output(parsed.output, color);
    for (const profile of wanted) show({ scenario, profile, offsets, output, json: parsed.json ?? false });
    output.close();
  });
}

async function traceDump(
  file: string,
  { entry, slot, ...options }: TraceOptions,
  profiles: readonly string[] | undefined,
  color: boolean,
): Promise<void> {
  if (options.stack)
    throw new UserError("--stack needs a scenario, as a dump does not name the slots of its frames", { file });
  const dump = openDump(
    file,
    { ...options, ...(entry === undefined ? {} : { entry: [entry] }), slot: slot?.map(dumpSlot) ?? [] },
    profiles,
  );
  const { showDump } = await import("./trace/dump.ts");
  const output = new Output(options.output, color);
  showDump(dump, { ...options, output, json: options.json ?? false });
  output.close();
}

async function view({ calls, stack, from, until }: TraceOptions): Promise<(traced: Traced) => void> {
  if (calls) return (await import("./trace/calls.ts")).showCalls;
  if (stack) return (await import("./trace/stack.ts")).showStack;
  const { showSteps } = await import("./trace/steps.ts");
  return (traced) => showSteps(traced, { from, until });
}

function point(text: string): TracePoint {
  const parsed = parseTracePoint(text);
  if (!parsed) throw new UserError(`${text} is no point of a trace: expected ${POINTS}`);
  return parsed;
}
