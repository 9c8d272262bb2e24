import type { RawEvent, RawExplore, RawScenario } from "./grammar.ts";
import type { Maps } from "./link-maps.ts";
import { parsePoint } from "./point.ts";
import type { Happening, RunEvent, Step } from "./scenario.ts";

type RawHappening = Pick<RawEvent, "interrupt" | "switch" | "poke" | "here">;

/** One of interrupt, switch and poke. */
function linkHappening(raw: RawHappening, programs: readonly string[], maps: Maps): Happening {
  const { here, poke } = raw;
  const kinds = (["interrupt", "switch", "poke"] as const).filter((kind) => raw[kind]);
  if (kinds.length !== 1)
    here.fail(`expected one of interrupt, switch and poke, found ${kinds.join(" and ") || "none"}`);
  if (poke) {
    const entries = maps.entries(poke);
    for (const { value } of entries)
      if (value.kind !== "program" && value.kind !== "absent") here.fail("expected slots of a prog_array in poke");
    return { kind: "poke", entries };
  }
  const kind = kinds[0] as "interrupt" | "switch";
  const program = raw[kind]!;
  if (!programs.includes(program.value)) program.here.unknown("program", program.value, programs);
  return { kind, program: program.value };
}

/** What happens in the middle of a run. */
export function linkEvents(raw: RawEvent[] | undefined, programs: readonly string[], maps: Maps): RunEvent[] {
  return (raw ?? []).map((event): RunEvent => {
    const { at, steps } = event;
    if (!parsePoint(at.value))
      at.here.fail('expected a moment such as "tail call 10", "entry:2", "entry#subprog+0x1c" or "instruction 100"');
    if (steps !== undefined && !event.poke) event.here.fail("expected poke beside steps");
    const happening = linkHappening(event, programs, maps);
    return { ...happening, at: at.here.at(at.value), ...(steps === undefined ? {} : { steps }) };
  });
}

/**
 * What is tried everywhere. The short form names no program: it means the one that no step runs and no map holds, or, where
 * all are in use, the one that the last step runs.
 */
export function linkExplore(
  raw: RawExplore,
  all: RawScenario,
  programs: readonly string[],
  maps: Maps,
  steps: readonly Step[],
): Happening {
  if (!("value" in raw)) return linkHappening(raw, programs, maps);
  const run = steps.flatMap((step) => (step.kind === "run" ? [step.program] : []));
  const held = maps.all().flatMap(({ values }) => values.map(({ value }) => value));
  const inUse = (name: string): boolean =>
    run.includes(name) || held.some((value) => value.kind === "program" && value.name === name);
  const attached = new Set(
    (all.programs ?? []).flatMap(([name, program]) => ("attach" in program && program.attach ? [name] : [])),
  );
  const idle = programs.filter((name) => !inUse(name) && !attached.has(name));
  if (idle.length > 1)
    raw.here.fail(`expected which program: { ${raw.value}: ${idle[0]} } or another that is not in use`);
  return { kind: raw.value, program: idle[0] ?? run[run.length - 1] };
}
