import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { type Command, Option } from "commander";
import { profileNamed } from "../../jit/profiles/index.ts";
import { gdbScript } from "../debug/gdb/script.ts";
import { serveGdb } from "../debug/gdb/server.ts";
import { Monitor } from "../debug/monitor.ts";
import { type ProgramFile, writeProgramFile } from "../debug/program-file.ts";
import { record } from "../debug/timeline/record.ts";
import type { Timeline } from "../debug/timeline/timeline.ts";
import { DebugView } from "../debug/view.ts";
import { UserError } from "../error.ts";
import { assembleScenario, buildWorld } from "../runner/build.ts";
import { defaultProfiles } from "../runner/profiles.ts";
import { stepsFor } from "../scenario/expect.ts";
import type { ProgramType } from "../scenario/names.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { newCommand } from "./command.ts";
import { addShared, readShared } from "./options.ts";
import { addAssembly, loadProgramFile, profilesFor } from "./program-file.ts";

interface DebugOptions {
  profile?: string[];
  gdb?: number;
  symbols?: string;
  map?: string[];
  type?: ProgramType;
}

export function command(): Command {
  const debug = newCommand("debug", "Records a scenario's run and lets gdb go to and fro in it.");
  debug.argument("<SCENARIO>", "a scenario (.yaml, or its name in the catalogue), or BPF assembly");
  debug.addOption(
    new Option("--gdb <PORT>", "wait there, on 127.0.0.1, for a gdb; 0: any free port (default: start gdb)").argParser(
      port,
    ),
  );
  debug.addOption(new Option("--symbols <FOLDER>", "where to write the program for gdb (default: a temporary folder)"));
  addAssembly(addShared(debug, ["profile"]));
  return debug.action(async (file: string, parsed: DebugOptions) => {
    const { profiles } = await readShared(parsed as unknown as Record<string, unknown>);
    const scenario = loadProgramFile(file, parsed);
    const wanted = profilesFor(scenario, parsed.profile && profiles, defaultProfiles());
    if (wanted.length > 1) throw new UserError(`--profile names ${wanted.length} profiles: debug takes one`);
    await debugScenario(scenario, wanted[0], parsed);
  });
}

async function debugScenario(scenario: Scenario, profile: string, { gdb, symbols }: DebugOptions): Promise<void> {
  const world = buildWorld(scenario, assembleScenario(scenario), profileNamed(profile)!);
  const folder = symbols === undefined ? mkdtempSync(join(tmpdir(), "jitproof-debug-")) : resolve(symbols);
  try {
    const timeline = record(world, scenario, stepsFor(scenario, profile));
    const name = basename(scenario.id).replace(/[^\w.-]/g, "_") || "program";
    const title = `${scenario.id} on ${profile}`;
    const files = writeProgramFile(world, folder, name, title, scenario.file);
    await serve(timeline, scenario, files, { title, gdb, script: join(folder, `${name}.gdb`) });
  } finally {
    world.session.machine.close();
    if (symbols === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

async function serve(
  timeline: Timeline,
  scenario: Scenario,
  { elf, listing }: ProgramFile,
  { title, gdb, script }: { title: string; gdb: number | undefined; script: string },
): Promise<void> {
  const view = new DebugView(timeline, basename(scenario.file));
  const server = await serveGdb({ timeline, monitor: new Monitor(view), program: elf }, gdb ?? 0);
  const stop = (): void => server.close();
  try {
    writeFileSync(script, gdbScript(elf, server.port));
    const broken = view.findings.map(
      ({ finding, state }) => `${finding.check} at state ${state}: ${finding.message}\n`,
    );
    process.stdout.write(`${title}: ${timeline.end} instructions recorded\n${broken.join("")}`);
    if (gdb === undefined) await startGdb(script);
    else {
      process.stdout.write(`source   ${listing}\nprogram  ${elf}\nwaiting for: gdb -x ${script}\n`);
      process.once("SIGINT", stop).once("SIGTERM", stop);
      await server.over;
    }
  } finally {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    stop();
  }
}

/** gdb in this terminal, until it is quit. Ctrl-C is gdb's. Throws UserError when there is none. */
async function startGdb(script: string): Promise<void> {
  const ignore = (): void => {};
  process.on("SIGINT", ignore);
  try {
    await new Promise<void>((done, failed) => {
      const child = spawn("gdb", ["-q", "-x", script], { stdio: "inherit" });
      child.on("error", () =>
        failed(new UserError("gdb is not installed (apt install gdb); --gdb PORT waits for one that runs elsewhere")),
      );
      child.on("close", () => done());
    });
  } finally {
    process.off("SIGINT", ignore);
  }
}

function port(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65535)
    throw new UserError(`--gdb ${text}: expected a port, 0 to 65535`);
  return Number(text);
}
