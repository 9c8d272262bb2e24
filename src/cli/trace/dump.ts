import { UserError } from "../../error.ts";
import { runDumped } from "../../import/dump/replay.ts";
import { outcomeText } from "../../report/dump/result.ts";
import { CallsText } from "../../report/trace/calls.ts";
import { stepJson } from "../../report/trace/json.ts";
import { TraceText } from "../../report/trace/pretty.ts";
import { CallTree } from "../../runner/trace/calls.ts";
import { PointWatch, type TracePoint } from "../../runner/trace/point.ts";
import type { TracedStep } from "../../runner/trace/step.ts";
import { Tracer } from "../../runner/trace/tracer.ts";
import type { OpenDump } from "../dump-options.ts";
import type { Output } from "../output.ts";
import { Enough, Sink } from "./sink.ts";
import { runHeading } from "./traced.ts";

/** How a dump's trace is shown. */
export interface DumpTrace {
  from?: TracePoint;
  until?: TracePoint;
  /** only the tree of calls */
  calls?: boolean;
  output: Output;
  /** one JSON object a line */
  json: boolean;
}

/** Every instruction of every entry of a dump, or its calls. Throws UserError where the trace doesn't get to a point. */
export function showDump(dump: OpenDump, { calls, ...trace }: DumpTrace): void {
  if (calls) {
    for (const [i, entry] of dump.entries.entries()) showCalls(dump, entry, i + 1, trace);
    return;
  }
  for (const point of [trace.from, trace.until])
    if (point?.kind === "finding")
      throw new UserError("a finding is no point of a dump's trace; replay says where it is", { file: dump.file });
  new StepsShown(dump, trace).all();
}

class StepsShown {
  readonly #dump: OpenDump;
  readonly #sink: Sink;
  readonly #json: boolean;
  readonly #text: TraceText;
  readonly #heading: (text: string) => string;
  readonly #begin: PointWatch | undefined;
  readonly #end: PointWatch | undefined;
  #begun: boolean;
  #ended = false;

  constructor(dump: OpenDump, { from, until, output, json }: DumpTrace) {
    const { colors } = output.reportOptions();
    this.#dump = dump;
    this.#sink = new Sink(output);
    this.#json = json;
    this.#text = new TraceText(colors, dump.file);
    this.#heading = (text) => (json ? "" : `${colors.bold(text)}\n`);
    this.#begin = from && new PointWatch(from, -1);
    this.#end = until && new PointWatch(until, -1);
    this.#begun = !from;
  }

  all(): void {
    try {
      for (const [i, entry] of this.#dump.entries.entries()) this.#run(entry, i + 1);
      this.#sink.flush();
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
      this.#finish();
    }
    const missed = this.#begun ? (this.#end && !this.#ended ? "--until" : undefined) : "--from";
    if (missed && !this.#sink.isGone) throw new UserError(`no run gets to ${missed}`, { file: this.#dump.file });
  }

  #finish(): void {
    try {
      this.#sink.flush();
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
    }
  }

  #run(entry: string, number: number): void {
    const { functions, profile, run } = this.#dump;
    let heading = this.#heading(runHeading(number, entry, profile.name));
    const outcome = runDumped(functions, profile, entry, run, (world, context) => {
      const tracer = new Tracer(world, (step) => {
        if (this.#take(step, number, heading)) heading = "";
      });
      tracer.context = context;
      return { resume: (budget) => tracer.resume(budget) };
    });
    if (this.#begun) this.#sink.write(this.#heading(outcomeText(outcome)));
  }

  /** Whether the step was shown. */
  #take(step: TracedStep, number: number, heading: string): boolean {
    this.#begun ||= this.#begin!.isAt(step);
    if (!this.#begun) return false;
    this.#sink.write(this.#json ? stepJson(number, step) : heading + this.#text.step(step));
    this.#ended = this.#end?.isAt(step) ?? false;
    if (this.#ended) throw new Enough();
    return true;
  }
}

function showCalls(dump: OpenDump, entry: string, number: number, { output, json }: DumpTrace): void {
  const { colors } = output.reportOptions();
  const { functions, profile, run } = dump;
  const tree = new CallTree();
  runDumped(functions, profile, entry, run, () => ({ observe: (event) => tree.observe(event) }));
  const calls = tree.end();
  const { counts } = tree;
  if (json)
    output.write(`${JSON.stringify({ run: number, program: entry, profile: profile.name, ...counts, tree: calls })}\n`);
  else
    output.write(
      `${colors.bold(runHeading(number, entry, profile.name))}\n${new CallsText(colors).run(calls, counts)}`,
    );
}
