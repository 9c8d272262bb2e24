import { CallsText } from "../../report/trace/calls.ts";
import { CallTree } from "../../runner/trace/calls.ts";
import { watchScenario } from "../../runner/trace/run.ts";
import { runHeading, type Traced, worldsOf } from "./traced.ts";

/** The tree of calls and tail calls of each run. */
export function showCalls(traced: Traced): void {
  const { scenario, profile, output, json } = traced;
  const { steps, onWorld } = worldsOf(traced);
  const { colors } = output.reportOptions();
  onWorld((world) => {
    let tree = new CallTree();
    let run = { number: 0, program: "" };
    watchScenario(world, scenario, steps, {
      begins(begun) {
        tree = new CallTree();
        run = begun;
      },
      observe: (event) => tree.observe(event),
      ends() {
        const calls = tree.end();
        const { number, program } = run;
        if (json) output.write(`${JSON.stringify({ run: number, program, profile, ...tree.counts, tree: calls })}\n`);
        else
          output.write(
            `${colors.bold(runHeading(number, program, profile))}\n${new CallsText(colors).run(calls, tree.counts)}`,
          );
      },
    });
  });
}
