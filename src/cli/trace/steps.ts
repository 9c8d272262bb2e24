import { UserError } from "../../error.ts";
import { stepJson } from "../../report/trace/json.ts";
import { TraceText } from "../../report/trace/pretty.ts";
import { findFinding } from "../../runner/trace/finding.ts";
import { PointWatch, type TracePoint } from "../../runner/trace/point.ts";
import { watchScenario } from "../../runner/trace/run.ts";
import type { TracedStep } from "../../runner/trace/step.ts";
import { Tracer } from "../../runner/trace/tracer.ts";
import { Enough, Sink } from "./sink.ts";
import { runHeading, type Traced, worldsOf } from "./traced.ts";

/** Every instruction from one point to another, as it executes. Throws UserError when the scenario doesn't get there. */
export function showSteps(traced: Traced, { from, until }: { from?: TracePoint; until?: TracePoint }): void {
  const { scenario, profile, output, json } = traced;
  const { steps, onWorld } = worldsOf(traced);
  const wanted = from?.kind === "finding" || until?.kind === "finding";
  const finding = wanted ? onWorld((world) => findFinding(world, scenario, steps)) : undefined;
  if (wanted && !finding)
    throw new UserError(`breaks no contract on ${profile}: there is no finding`, { file: scenario.file });
  const begin = from && new PointWatch(from, finding?.at ?? -1);
  const end = until && new PointWatch(until, finding?.noticed ?? -1);
  const sink = new Sink(output);
  const { colors } = output.reportOptions();
  const text = new TraceText(colors, scenario.file);
  let heading = "";
  let number = 0;
  let begun = !begin;
  let ended = false;
  const take = (step: TracedStep): void => {
    begun ||= begin!.isAt(step);
    if (!begun) return;
    sink.write(json ? stepJson(number, step) : heading + text.step(step));
    heading = "";
    ended = end?.isAt(step) ?? false;
    if (ended) throw new Enough();
  };
  onWorld((world) => {
    const tracer = new Tracer(world, take);
    try {
      watchScenario(world, scenario, steps, {
        resume: (budget) => tracer.resume(budget),
        begins(run) {
          number = run.number;
          tracer.context = run.context;
          heading = `${colors.bold(runHeading(number, run.program, profile))}\n`;
        },
      });
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
    }
    try {
      sink.flush();
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
    }
  });
  const missed = begun ? (end && !ended ? "--until" : undefined) : "--from";
  if (missed && !sink.isGone) throw new UserError(`no run on ${profile} gets to ${missed}`, { file: scenario.file });
}
