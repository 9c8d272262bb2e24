import type { Command } from "commander";
import { UserError } from "../error.ts";
import type { NativeResult } from "../native/check.ts";
import type { Child } from "../native/child.ts";
import { newCommand } from "./command.ts";
import { numberOption } from "./fuzz.ts";
import { addShared, readShared } from "./options.ts";
import { Progress } from "./progress.ts";

const RUNS = 1000;
const PROFILES = ["linux-6.12"];

interface NativeOptions {
  runs: number;
  seed: number;
  seconds: number;
  profile?: string[];
}

export function command(): Command {
  const native = newCommand(
    "native",
    "Runs what fuzz generates on this machine's CPU, too, in a process of its own, and holds the emulator against it (Linux on x86-64; takes a C compiler).",
  );
  native.argument("[SCENARIO...]", "run these to their end instead, however many tail calls that takes");
  native.addOption(numberOption("seconds", "how long a scenario may take", 600));
  native.addOption(numberOption("runs", "programs on each profile", RUNS));
  native.addOption(numberOption("seed", "where the programs come from", 1));
  addShared(native, ["profile", "reporter"]);
  return native.action(async (paths: string[], parsed: NativeOptions) => {
    const shared = await readShared(parsed as unknown as Record<string, unknown>);
    if (shared.reporter !== "pretty" && shared.reporter !== "json")
      throw new UserError(`native reports as pretty or json, not as ${shared.reporter}`);
    const [{ Child }, { checkNative }, report, { Output }, { profileNamed }] = await Promise.all([
      import("../native/child.ts"),
      import("../native/check.ts"),
      import("../report/native.ts"),
      import("./output.ts"),
      import("../../jit/profiles/index.ts"),
    ]);
    const output = new Output(shared.output, shared.color);
    const progress = new Progress(undefined);
    const options = output.reportOptions(progress);
    const child = new Child();
    const results: NativeResult[] = [];
    try {
      for (const name of parsed.profile ? shared.profiles : PROFILES) {
        if (paths.length) {
          await bruteForce(paths, name, parsed.seconds, child, (text) => options.write(text));
          continue;
        }
        const show = (done: number): void => progress.show(`${done}/${parsed.runs} programs on ${name}`);
        const result = checkNative(profileNamed(name)!, parsed.seed, parsed.runs, child, show);
        results.push(result);
        if (shared.reporter === "pretty") options.write(report.nativeText(result, options));
      }
    } finally {
      child.close();
    }
    progress.clear();
    if (shared.reporter === "json") output.write(report.nativeJson(results, options.elapsed()));
    output.close();
    process.exitCode = results.some(({ disagreements }) => disagreements.length) ? 1 : 0;
  });
}

/** Run scenarios on the CPU to their ends. */
async function bruteForce(
  paths: readonly string[],
  name: string,
  seconds: number,
  child: Child,
  write: (text: string) => void,
): Promise<void> {
  const [{ runOnCpu }, { bruteText }, { profileNamed }, { selectScenarios }] = await Promise.all([
    import("../native/brute.ts"),
    import("../report/native.ts"),
    import("../../jit/profiles/index.ts"),
    import("./select.ts"),
  ]);
  for (const scenario of selectScenarios(paths, {}))
    write(bruteText(scenario.id, runOnCpu(scenario, profileNamed(name)!, seconds, child)));
}
