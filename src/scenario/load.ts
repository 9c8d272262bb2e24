import { hint } from "../suggest.ts";
import { Cursor } from "./cursor.ts";
import { parseYaml, readText, type SourceFile } from "./document.ts";
import { isGlob, matches } from "./glob.ts";
import { type RawScenario, type RawStep, scenario as shape } from "./grammar.ts";
import { linkEvents, linkExplore } from "./link-events.ts";
import { linkBreak, linkCode, linkExpectation } from "./link-expect.ts";
import { Maps } from "./link-maps.ts";
import type { ObjectParts } from "./link-object.ts";
import { linkContext, linkPrograms } from "./link-programs.ts";
import { initialize, loadObject, unknownProgram } from "./object-key.ts";
import type { Scenario, Step } from "./scenario.ts";
import type { Placed } from "./shape.ts";

export interface LoadOptions {
  /** path under the catalogue without .yaml; default: the file's name without it */
  id?: string;
  /** names of the only programs that are taken from an object; default: all */
  wanted?: ReadonlySet<string>;
  /** the profiles there are: names to match and to suggest, and whether others exist, too; default: any name is fine */
  profiles?: { names: readonly string[]; has?(name: string): boolean };
}

/** Reads one scenario. Throws UserError (file, line, column, what was expected) at the first thing that is wrong. */
export function loadScenario(file: string, options: LoadOptions = {}): Scenario {
  return parseScenario(readText(file), file, options);
}

/** The same for a text that is in memory already; `file` is what errors and reports call it. */
export function parseScenario(text: string, file: string, options: LoadOptions = {}): Scenario {
  const source = parseYaml(text, file);
  const root = new Cursor(source, source.document.contents, "");
  if (root.node === null) root.fail("is empty; expected a scenario with the keys title and programs");
  const raw = shape.read(root);
  checkProfiles(raw, options.profiles);
  return link(raw, source, options.id ?? file.replace(/^.*[\\/]/, "").replace(/\.yaml$/, ""), options.wanted);
}

function link(raw: RawScenario, source: SourceFile, id: string, wanted?: ReadonlySet<string>): Scenario {
  const object = loadObject(raw, source, wanted);
  const written = raw.programs ?? [];
  const names = [...written.map(([name]) => name), ...(object?.programs ?? []).map(({ name }) => name)];
  if (!object && !written.length)
    raw.here.fail('expected the key "programs" (a mapping of programs) or "object", which is missing');
  const maps = new Maps(raw.maps ?? [], new Set(names), object);
  if (object) initialize(raw, maps, object);
  const steps = linkSteps(raw, names, maps, object);
  const scenario: Scenario = {
    id,
    file: source.name,
    text: source.text,
    title: raw.title,
    profiles: (raw.profiles ?? []).map((profile) => profile.value),
    maps: maps.all(),
    programs: [...linkPrograms(written), ...(object?.programs ?? [])],
    steps,
    ...(raw.explore ? { explore: linkExplore(raw.explore, raw, names, maps, steps) } : {}),
    code: linkCode(raw.expect, names),
    breaks: (raw.breaks ?? []).map((entry) => linkBreak(entry, maps)),
  };
  for (const key of ["about", "source", "budget"] as const)
    if (raw[key] !== undefined) Object.assign(scenario, { [key]: raw[key] });
  return scenario;
}

function linkSteps(raw: RawScenario, names: readonly string[], maps: Maps, object?: ObjectParts): Step[] {
  if (!raw.steps) return [runStep(raw, names, maps, raw, object)];
  for (const key of ["r0", "tail_calls", "instructions", "max_stack", "maps", "variables", "helpers", "stack"] as const)
    if (raw.expect?.[key])
      raw.expect.here.fail(`"${key}" belongs into a step; beside steps only xlated and jited are expected`);
  if (raw.run) raw.run.here.fail('"run" belongs into a step');
  if (raw.events) raw.here.fail('"events" belong into a step');
  const steps = raw.steps.map((step) => linkStep(step, names, maps, raw, object));
  if (!steps.some((step) => step.kind === "run")) raw.here.fail("expected a step that runs a program");
  return steps;
}

function linkStep(step: RawStep, names: readonly string[], maps: Maps, all: RawScenario, object?: ObjectParts): Step {
  const kinds = [step.run && "run", step.update && "update", step.delete && "delete"].filter(Boolean);
  if (kinds.length !== 1)
    step.here.fail(`expected one of run, update and delete in a step, found ${kinds.join(" and ") || "none"}`);
  if (step.run) return runStep(step, names, maps, all, object);
  if (step.expect || step.context || step.events) step.here.fail("expected run beside expect, context and events");
  const at = step.here.position();
  if (step.update) return { kind: "update", entries: maps.entries(step.update), at };
  const entries = (step.delete ?? []).flatMap(([map, raw]) =>
    maps.keys(map, raw).map((key, i) => ({ map: map.value, key, at: raw[i].here.position() })),
  );
  return { kind: "delete", entries, at };
}

function runStep(
  raw: RawScenario | RawStep,
  names: readonly string[],
  maps: Maps,
  all: RawScenario,
  object?: ObjectParts,
): Step {
  const run = raw.run ?? all.entry;
  if (run && !names.includes(run.value)) unknownProgram(run, names, object);
  const program = run?.value ?? (names.includes("entry") ? "entry" : names[0]);
  if (!run && object && program !== "entry" && names.length !== 1)
    all.object!.here.fail(`has ${names.length} programs; expected the key "entry" with one of ${names.join(", ")}`);
  const context = linkContext(raw.context ?? all.context);
  const expect = linkExpectation(raw.expect, maps);
  const at = (raw.run ?? raw.expect ?? raw).here.position();
  const events = linkEvents(raw.events, names, maps);
  return { kind: "run", program, ...(context ? { context } : {}), ...(events.length ? { events } : {}), expect, at };
}

/** Every profile that the file names must exist; a glob must match one. */
function checkProfiles(raw: RawScenario, known: LoadOptions["profiles"]): void {
  if (!known) return;
  const { names, has } = known;
  const mentioned: Placed<string>[] = [
    ...(raw.profiles ?? []),
    ...(raw.expect?.xlated ?? []).flatMap(([key, entry]) => ("here" in entry ? [] : [key])),
    ...(raw.expect?.jited ?? []).map(([profile]) => profile),
    ...(raw.breaks ?? []).map(([profile]) => profile),
  ];
  for (const { here, value } of mentioned)
    if (!names.some((name) => matches(value, name)) && !has?.(value)) {
      if (isGlob(value)) here.fail(`no profile matches "${value}"${hint(value, names)}`);
      here.unknown("profile", value, names);
    }
}
