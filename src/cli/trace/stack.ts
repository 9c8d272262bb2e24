import { watchScenario } from "../../runner/trace/run.ts";
import { StackArtist, TailCallFinder } from "../../runner/trace/stacks.ts";
import { runHeading, type Traced, worldsOf } from "./traced.ts";

/** The stack as it is when the callee of each tail call has made its frame. */
export function showStack(traced: Traced): void {
  const { scenario, profile, output, json } = traced;
  const { steps, onWorld } = worldsOf(traced);
  const { colors } = output.reportOptions();
  const moments = onWorld((world) => {
    const finder = new TailCallFinder(world.session.machine);
    watchScenario(world, scenario, steps, finder);
    return finder.moments;
  });
  onWorld((world) => {
    let run = { number: 0, program: "" };
    const artist = new StackArtist(world.session.machine, moments, (number, { callee, icount }, picture) => {
      if (json) output.write(`${JSON.stringify({ run: run.number, tailCall: number, callee, icount, picture })}\n`);
      else
        output.write(
          `\n${colors.bold(`tail call ${number}: ${callee}`)} ${colors.dim(`after ${icount} instructions`)}\n${picture}`,
        );
    });
    watchScenario(world, scenario, steps, {
      resume: (budget) => artist.resume(budget),
      begins(begun) {
        run = begun;
        if (!json) output.write(`${colors.bold(runHeading(run.number, run.program, profile))}\n`);
      },
    });
  });
  if (!moments.length && !json) output.write("no tail call is taken\n");
}
