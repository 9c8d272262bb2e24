import type { X86Profile } from "../../jit/profile.ts";
import type { At, Expectation, MapEntry, Scenario } from "../scenario/scenario.ts";
import { formatValue } from "../scenario/value.ts";

/** What is told of a profile that has a bug of the gallery. */
export interface Story {
  /** what happened, in a sentence, and what ended it */
  about: string;
  /** what comes out in place of what the scenario expects, where that is how it is noticed */
  differences: string[];
}

/** What is told of a profile: its bug; of a proposal that the scenario names, what the scenario is about. */
export function toldOf({ profiles, about }: Scenario, { bug, kernel, name }: X86Profile): string | undefined {
  return bug ?? (kernel && profiles.includes(name) ? about?.replace(/\s+/g, " ").trim() : undefined);
}

/** The story of a bug that a scenario's `breaks` declares by `by`. */
export function storyOf(about: string, { steps }: Scenario, by: Expectation | undefined): Story {
  const last = steps.findLast((step) => step.kind === "run");
  return { about, differences: last && by ? differences(last.expect, by) : [] };
}

function differences(expected: Expectation, by: Expectation): string[] {
  const value = (what: string, wanted: At<bigint> | undefined, found: At<bigint> | undefined): string[] =>
    wanted && found && wanted.value !== found.value ? [`${what}: expected ${wanted.value}, found ${found.value}`] : [];
  const element = ({ map, key, value: found }: MapEntry & { map: string }): string[] => {
    const wanted = expected.maps.find((entry) => entry.map === map && entry.key === key);
    return wanted ? [`${map}[${key}]: expected ${formatValue(wanted.value)}, found ${formatValue(found)}`] : [];
  };
  return [
    ...value("r0", expected.r0, by.r0),
    ...value("tail calls", expected.tailCalls, by.tailCalls),
    ...value("instructions", expected.instructions, by.instructions),
    ...value("bytes of stack", expected.maxStack, by.maxStack),
    ...by.maps.flatMap(element),
    ...by.stack.map(
      ({ at, picture }) => `stack at ${at.value}: ${picture.value.text.trim().split("\n").at(-1)?.trim()}`,
    ),
  ];
}
