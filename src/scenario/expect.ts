import { covers, isGlob, matches, mostSpecific } from "./glob.ts";
import type { Break, CodeExpectation, Expectation, Scenario, Step } from "./scenario.ts";

/** Whether the scenario speaks about a profile. */
export function appliesTo(scenario: Scenario, profile: string): boolean {
  return scenario.profiles.length === 0 || scenario.profiles.some((pattern) => covers(pattern, profile));
}

/** Profiles that are for one scenario: those beside `profiles` that it applies to by their very names, as a bug of the gallery. */
export const ownProfiles = (scenario: Scenario, profiles: readonly string[]): string[] =>
  scenario.profiles.filter((name) => !isGlob(name) && !profiles.includes(name));

/**
 * How the scenario says the profile breaks: the entry of that name, else of the kernel it is a variant of, else the first glob or span that
 * matches. An entry without anything broken says that the profile holds, whatever a wider one says.
 */
export function breakOf(scenario: Scenario, profile: string): Break | undefined {
  const found = mostSpecific(scenario.breaks, profile, covers);
  return found && (found.checks.length || expectsAnything(found.expect)) ? found : undefined;
}

const expectsAnything = (expect: Expectation): boolean =>
  Object.values(expect).some((value) => !Array.isArray(value) || value.length > 0);

/**
 * The steps with what each run must do on this profile. The last run's expectation gives way to `breaks`: value by value, or, where
 * a contract is broken, altogether, because nothing that follows a broken contract is promised.
 */
export function stepsFor(scenario: Scenario, profile: string): Step[] {
  const declared = breakOf(scenario, profile);
  const last = scenario.steps.findLastIndex((step) => step.kind === "run");
  return scenario.steps.map((step, i) =>
    declared && i === last && step.kind === "run" ? { ...step, expect: expectBroken(step.expect, declared) } : step,
  );
}

const expectBroken = (base: Expectation, { checks, expect }: Break): Expectation =>
  checks.length ? expect : overridden(base, expect);

function overridden(base: Expectation, by: Expectation): Expectation {
  const others = <T>(of: T[], byOther: T[], key: (entry: T) => string) => [
    ...of.filter((entry) => !byOther.some((other) => key(other) === key(entry))),
    ...byOther,
  ];
  return {
    ...base,
    ...by,
    maps: others(base.maps, by.maps, (entry) => `${entry.map}.${entry.key}`),
    variables: others(base.variables ?? [], by.variables ?? [], (entry) => entry.name),
    helpers: others(base.helpers, by.helpers, (entry) => entry.name),
    stack: others(base.stack, by.stack, (entry) => entry.at.value),
  };
}

/** The xlated and jited texts that a profile must produce; a text for the very name comes before one for a glob. */
export function codeFor(scenario: Scenario, profile: string): CodeExpectation[] {
  const perProfile = scenario.code.filter(hasProfile);
  const best = ({ kind, program }: CodeExpectation) =>
    mostSpecific(
      perProfile.filter((other) => other.kind === kind && other.program === program),
      profile,
      matches,
    );
  return scenario.code.filter((entry) => !hasProfile(entry) || entry === best(entry));
}

const hasProfile = (entry: CodeExpectation): entry is CodeExpectation & { profile: string } =>
  entry.profile !== undefined;
