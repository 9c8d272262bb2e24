import type { Command } from "commander";
import { UserError } from "../error.ts";
import type { NativeResult } from "../native/check.ts";
import { newCommand } from "./command.ts";
import { numberOption } from "./fuzz.ts";
import { addShared, readShared } from "./options.ts";
import { Progress } from "./progress.ts";

const RUNS = 1000;
const PROFILES = ["linux-6.12"];

export function command(): Command {
  const native = newCommand(
    "native",
    "Runs what fuzz generates on this machine's CPU, too, in a process of its own, and holds the emulator against it (Linux on x86-64; takes a C compiler).",
  );
  native.addOption(numberOption("runs", "programs on each profile", RUNS));
  native.addOption(numberOption("seed", "where the programs come from", 1));
  addShared(native, ["profile", "reporter"]);
  return native.action(async (parsed: { runs: number; seed: number; profile?: string[] }) => {
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
