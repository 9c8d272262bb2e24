import { availableParallelism } from "node:os";
import { type Command, Option } from "commander";
import { UserError } from "../error.ts";
import { REPORTERS, type ReporterName } from "../report/index.ts";
import type { KernelOffsets } from "../runner/offsets.ts";
import { isGlob, matches } from "../scenario/glob.ts";
import { hint } from "../suggest.ts";

/** One of N parts of the scenarios, counted from 1. */
export interface Shard {
  part: number;
  of: number;
}

/** The options that commands share, checked. */
export interface SharedOptions {
  filter?: RegExp;
  /** existing names; the kernels when none is asked for */
  profiles: string[];
  /** none was asked for: each scenario runs on its own ones, too */
  own: boolean;
  reporter: ReporterName;
  output?: string;
  jobs: number;
  shard?: Shard;
  bless: boolean;
  /** of the kernel whose BTF was named */
  offsets?: KernelOffsets;
  /** false: --no-color */
  color: boolean;
}

export type SharedName = "filter" | "profile" | "offsets" | "reporter" | "jobs" | "shard" | "bless";

const OPTIONS: Record<SharedName, () => Option[]> = {
  filter: () => [new Option("--filter <RE>", "only names that match this regular expression").argParser(regExp)],
  profile: () => [profileOption("only this profile")],
  offsets: () => [
    new Option("--offsets <FILE>", "a kernel's BTF, whose struct offsets take the place of the profile's"),
  ],
  reporter: () => [
    new Option("--reporter <NAME>", `${REPORTERS.join(", ")}`).default("pretty").argParser(reporterName),
    new Option("--output <FILE>", "write the report there instead of to stdout"),
  ],
  jobs: () => [new Option("--jobs <N>", "how many run at once (default: one per CPU)").argParser(jobs)],
  shard: () => [
    new Option("--shard <I/N>", "only part I of N, e.g. 1/4; merge puts the parts together").argParser(shard),
  ],
  bless: () => [new Option("--bless", "rewrite expectations that don't hold to what came out")],
};

/** `--profile`, where it means something of its own. */
export function profileOption(what: string): Option {
  const option = new Option("--profile <P>", `${what} (a name or a glob such as linux-6.*); may be repeated`);
  return option.argParser((value: string, before?: string[]) => [...(before ?? []), value]);
}

/** Adds shared options by name, and --no-color. readShared() takes what commander makes of them. */
export function addShared(command: Command, names: readonly SharedName[]): Command {
  for (const name of names) for (const option of OPTIONS[name]()) command.addOption(option);
  return command.option("--no-color", "no colours (NO_COLOR and FORCE_COLOR are honoured, too)");
}

/** What commander parsed, with defaults for what the command doesn't have. */
export async function readShared(parsed: Record<string, unknown>): Promise<SharedOptions> {
  const known = await import("../runner/profiles.ts");
  const {
    filter,
    profile,
    reporter,
    output,
    jobs: count,
    shard: part,
    bless,
    color,
    offsets,
  } = parsed as {
    filter?: RegExp;
    profile?: string[];
    reporter?: ReporterName;
    output?: string;
    jobs?: number;
    shard?: Shard;
    bless?: boolean;
    color?: boolean;
    offsets?: string;
  };
  const profiles = profile ? selectProfiles(profile, known) : known.defaultProfiles();
  if (offsets !== undefined && !profile)
    throw new UserError("--offsets is about one kernel; expected --profile with its name");
  return {
    ...(filter ? { filter } : {}),
    ...(offsets === undefined
      ? {}
      : { offsets: (await import("../import/offsets.ts")).readOffsets(offsets, profiles) }),
    profiles,
    own: !profile,
    reporter: reporter ?? "pretty",
    ...(output === undefined ? {} : { output }),
    jobs: count ?? availableParallelism(),
    ...(part ? { shard: part } : {}),
    bless: bless ?? false,
    color: color ?? true,
  };
}

/** The profiles that names and globs mean: the listed ones in the list's order, then others. Throws UserError for one that means none. */
export function selectProfiles(
  patterns: readonly string[],
  { profileNames, isProfile }: { profileNames(): string[]; isProfile(name: string): boolean },
): string[] {
  const known = profileNames();
  const listed = known.filter((name) => patterns.some((pattern) => matches(pattern, name)));
  const others = patterns.filter((pattern) => !known.some((name) => matches(pattern, name)));
  for (const pattern of others) {
    if (isGlob(pattern)) throw new UserError(`no profile matches "${pattern}"${hint(pattern, known)}`);
    if (!isProfile(pattern)) throw new UserError(`unknown profile "${pattern}"${hint(pattern, known)}`);
  }
  return [...listed, ...new Set(others)];
}

function regExp(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (error) {
    const why = (error as Error).message.replace(/^Invalid regular expression: \/.*\/\w*: /s, "");
    throw new UserError(`--filter ${source} is no regular expression: ${why.toLowerCase()}`);
  }
}

function reporterName(name: string): ReporterName {
  const known = REPORTERS.find((reporter) => reporter === name);
  if (!known) throw new UserError(`unknown reporter "${name}"${hint(name, REPORTERS)}`);
  return known;
}

function jobs(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text)) throw new UserError(`--jobs ${text}: expected a number from 1 to 9999`);
  return Number(text);
}

function shard(text: string): Shard {
  const [, part, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  if (!of || Number(part) < 1 || Number(part) > Number(of))
    throw new UserError(`--shard ${text}: expected I/N with I from 1 to N, e.g. 1/4`);
  return { part: Number(part), of: Number(of) };
}
