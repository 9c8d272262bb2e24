import type { Program } from "../../../bpf/program.ts";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { UserError } from "../../error.ts";
import { stepsFor } from "../../scenario/expect.ts";
import type { Scenario } from "../../scenario/scenario.ts";
import { assembleScenario, buildWorld, type LoadedSource, type Source, type World } from "../build.ts";
import { lostSpills } from "../fastcall/check.ts";
import { Refusal } from "../refusal.ts";
import { watchScenario } from "../trace/run.ts";
import { loadedTexts, xlatedTexts } from "./xlated.ts";

/** Programs of a scenario as one profile's verifier rewrites them. */
export interface Rewritten {
  profile: string;
  programs: RewrittenProgram[];
  /** where spills and fills were removed: the scenario's runs, and what they are with them; undefined: it cannot be run */
  runs?: { removed: Cost; kept?: Cost };
}

export interface RewrittenProgram {
  name: string;
  /** in order of start; functions that nobody reaches are not there */
  functions: RewrittenFunction[];
}

export interface RewrittenFunction {
  name: string;
  rows: Row[];
  /** instructions as loaded and as rewritten, LD_IMM64 counted once */
  loaded: number;
  xlated: number;
  /** spills that were removed, and as many fills */
  pairs: number;
  /** bytes of BPF stack, and with spills and fills kept, where the program can be loaded so */
  stack: number;
  stackKept?: number;
  /** bytes of machine code, and with spills and fills kept */
  code: number;
  codeKept?: number;
}

/** An instruction as loaded, and what became of it, each with its slot in the program. */
export interface Row {
  loaded: Line;
  xlated: Line[];
}

interface Line {
  slot: number;
  text: string;
}

/** Machine instructions of all runs, and bytes of stack in use at the deepest point of any. */
export interface Cost {
  instructions: number;
  maxStack: number;
}

/** What the verifier of a profile makes of a scenario's programs, or of one. Throws UserError. */
export function rewritten(scenario: Scenario, profileName: string, only?: string): Rewritten {
  const source = assembleScenario(scenario);
  const profile = profileNamed(profileName)!;
  const worlds = [buildWorld(scenario, source, profile)];
  try {
    const [world] = worlds;
    const kept = lostSpills(world) ? built(scenario, source, { ...profile, fastcall: null }) : undefined;
    if (kept) worlds.push(kept);
    const programs = source.programs
      .filter(({ spec }) => only === undefined || spec.name === only)
      .map(({ spec, program }) => ({ name: spec.name, functions: functionsOf(spec.name, program, world, kept) }));
    const removed = lostSpills(world) ? costOf(scenario, world, profileName) : undefined;
    const before = removed && kept ? costOf(scenario, kept, profileName) : undefined;
    return {
      profile: profileName,
      programs,
      ...(removed ? { runs: { removed, ...(before ? { kept: before } : {}) } } : {}),
    };
  } finally {
    for (const { session } of worlds) session.machine.close();
  }
}

/** Undefined: without what is removed the program does not fit the stack. */
function built(scenario: Scenario, source: Source, profile: Parameters<typeof buildWorld>[2]): World | undefined {
  try {
    return buildWorld(scenario, source, profile);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

function functionsOf(name: string, program: Program, world: World, kept: World | undefined): RewrittenFunction[] {
  const { xlated, functions } = world.programs.get(name)!;
  const before = kept?.programs.get(name);
  const rows = rowsOf(program, xlated, (symbol) => world.session.machine.symbol(symbol));
  return xlated.functions.flatMap((fn, f): RewrittenFunction[] => {
    const isIn = slotsOf(program, fn.name, f);
    const own = rows.filter(({ loaded }) => isIn(loaded.slot));
    if (own.length === 0) return [];
    const count = (lines: (row: Row) => number) => own.reduce((sum, row) => sum + lines(row), 0);
    const removed = xlated.spillsRemoved?.filter(({ call }) => own.some(({ loaded }) => loaded.slot === call)) ?? [];
    const same = before?.xlated.functions.findIndex((other) => other.name === fn.name) ?? -1;
    return [
      {
        name: fn.name,
        rows: own,
        loaded: own.length,
        xlated: count((row) => row.xlated.length),
        pairs: removed.reduce((sum, { pairs }) => sum + pairs, 0),
        stack: fn.stackDepth,
        code: functions[f].image.bytes.length,
        ...(same >= 0 ? keptOf(before!, same) : {}),
      },
    ];
  });
}

const keptOf = ({ xlated, functions }: LoadedSource, f: number) => ({
  stackKept: xlated.functions[f].stackDepth,
  codeKept: functions[f].image.bytes.length,
});

/** Whether a slot of the program as loaded is in the function of that name; without names there is only the first. */
function slotsOf({ functions, insns }: Program, name: string, index: number): (slot: number) => boolean {
  const f = functions.findIndex((one) => one.name === name);
  if (f < 0) return () => index === 0;
  const [start, end] = [functions[f].start, functions[f + 1]?.start ?? insns.length];
  return (slot) => slot >= start && slot < end;
}

/** Each instruction as loaded, with what was made from it. */
function rowsOf(program: Program, xlated: LoadedSource["xlated"], symbol: (name: string) => bigint): Row[] {
  const { texts } = xlatedTexts(xlated, symbol);
  const made = new Map<number, Line[]>();
  texts.forEach((text, slot) => {
    if (text === "") return;
    const from = made.get(xlated.origin[slot]);
    if (from) from.push({ slot, text });
    else made.set(xlated.origin[slot], [{ slot, text }]);
  });
  return loadedTexts(program).flatMap((text, slot) =>
    text === "" ? [] : [{ loaded: { slot, text }, xlated: made.get(slot) ?? [] }],
  );
}

/** Undefined: the machine cannot run it. */
function costOf(scenario: Scenario, world: World, profile: string): Cost | undefined {
  const cost: Cost = { instructions: 0, maxStack: 0 };
  try {
    watchScenario(world, scenario, stepsFor(scenario, profile), {
      ends({ instructions, maxStack }) {
        cost.instructions += instructions;
        cost.maxStack = Math.max(cost.maxStack, maxStack);
      },
    });
    return cost;
  } catch (error) {
    if (error instanceof UserError) return undefined;
    throw error;
  }
}
