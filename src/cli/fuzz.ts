import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Command, Option } from "commander";
import { UserError } from "../error.ts";
import type { CampaignSettings } from "../fuzz/batch.ts";
import type { NumberedDisagreement, SavedTally, Tally } from "../fuzz/tally.ts";
import type { Found, Spent } from "../report/fuzz.ts";
import { newCommand } from "./command.ts";
import { addShared, readShared } from "./options.ts";
import { Progress } from "./progress.ts";

/** Disagreements of one kind on one profile that are made smaller. */
const SHRUNK = 2;
/** Milliseconds between two writes of --resume's file. */
const SAVE_INTERVAL = 5000;
const RUNS = 1000;
/** Profiles that keep all promises; the others are asked for. */
const CORRECT = ["linux-6.12", "linux-7.2"];

interface FuzzOptions {
  runs: number;
  seed: number;
  from: number;
  verify: number;
  corpus?: string;
  out: string;
  resume?: string;
  expectBroken?: boolean;
}

export function command(): Command {
  const fuzz = newCommand(
    "fuzz",
    "Generates programs that call and tail-call each other, runs them on the reference interpreter and on each profile with every contract on, and makes what disagrees small.",
  );
  fuzz.addOption(numberOption("runs", "programs in all", RUNS));
  fuzz.addOption(numberOption("seed", "where the programs come from", 1));
  fuzz.addOption(numberOption("from", "number of the first program", 0));
  fuzz.addOption(
    numberOption(
      "verify",
      "one program in N goes through the whole verifier, 0: none; the others through its rewrites only",
      50,
    ),
  );
  fuzz.addOption(
    new Option("--corpus <DIR>", "keep the programs that covered something for the first time there, as scenarios"),
  );
  fuzz.addOption(new Option("--out <DIR>", "write what disagrees there, as scenarios").default("fuzz-found"));
  fuzz.addOption(new Option("--resume <FILE>", "go on with the campaign in that file, which is kept up to date"));
  fuzz.addOption(new Option("--expect-broken", "hold every profile to one count per entry; each must be caught"));
  addShared(fuzz, ["profile", "reporter", "jobs"]);
  return fuzz.action(async (parsed: FuzzOptions & Record<string, unknown>) => {
    const shared = await readShared(parsed);
    if (shared.reporter !== "pretty" && shared.reporter !== "json")
      throw new UserError(`fuzz reports as pretty or json, not as ${shared.reporter}`);
    const [{ campaign }, report, { Output }] = await Promise.all([
      import("../fuzz/campaign.ts"),
      import("../report/fuzz.ts"),
      import("./output.ts"),
    ]);
    const output = new Output(shared.output, shared.color);
    const progress = new Progress(undefined);
    const options = output.reportOptions(progress);
    const settings: CampaignSettings = {
      seed: parsed.seed,
      profiles: parsed.profile ? shared.profiles : CORRECT,
      strict: parsed.expectBroken ?? false,
      verifyEvery: parsed.verify,
    };
    const tally = await openTally(parsed, settings);
    const before = tally.totals.programs;
    const to = tally.from + parsed.runs;
    const cpu = process.cpuUsage();
    const spent = (): Spent => {
      const { user, system } = process.cpuUsage(cpu);
      return { programs: tally.totals.programs - before, ms: options.elapsed(), cpuMs: (user + system) / 1000 };
    };
    let saved = 0;
    for await (const batch of campaign({ ...settings, from: tally.next, to, jobs: shared.jobs })) {
      const fresh = tally.add(batch);
      if (parsed.corpus) await keep(parsed.corpus, settings, fresh);
      progress.show(report.progressLine(tally, parsed.runs, spent()));
      if (options.elapsed() - saved < SAVE_INTERVAL) continue;
      saved = options.elapsed();
      saveTally(parsed.resume, tally);
    }
    saveTally(parsed.resume, tally);
    const took = spent();
    progress.show("making what disagrees smaller");
    const found = await shrinkAll(parsed.out, tally);
    progress.clear();
    const text =
      shared.reporter === "json" ? report.fuzzJson(tally, found, took) : report.fuzzText(tally, found, took, options);
    output.write(text);
    output.close();
    process.exitCode = verdict(tally) ? 0 : 1;
  });
}

/** Nothing disagrees; or, where all are expected to be broken, something does on each profile. */
function verdict({ settings, disagreements }: Tally): boolean {
  if (!settings.strict) return disagreements.length === 0;
  return settings.profiles.every((name) => disagreements.some(({ disagreement }) => disagreement.profile === name));
}

/** An option that is a number from 0 on. */
export function numberOption(name: string, doc: string, byDefault: number): Option {
  return new Option(`--${name} <N>`, doc).default(byDefault).argParser((text: string) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
      throw new UserError(`--${name} ${text}: expected a number from 0`);
    return value;
  });
}

/** A new campaign, or the one in --resume's file. Throws UserError when that is another one. */
async function openTally({ resume, from }: FuzzOptions, settings: CampaignSettings): Promise<Tally> {
  const { Tally } = await import("../fuzz/tally.ts");
  const fresh = new Tally(settings, from);
  let text: string;
  try {
    if (resume === undefined) return fresh;
    text = readFileSync(resume, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return fresh;
    throw new UserError(`cannot be read: ${message}`, { file: resume }, { cause: error });
  }
  const saved = parseTally(text, resume);
  if (JSON.stringify([saved.settings, saved.from]) !== JSON.stringify([fresh.settings, from]))
    throw new UserError("is of a campaign with another --seed, --from, --verify, --profile or --expect-broken", {
      file: resume,
    });
  return Tally.restore(saved);
}

function parseTally(text: string, file: string): SavedTally {
  try {
    const saved = JSON.parse(text) as SavedTally;
    const { settings, from, next, totals, disagreements, covered } = saved;
    const numbers = [from, next, totals.programs];
    if (!settings || !disagreements || !covered || !numbers.every(Number.isSafeInteger)) throw new Error();
    return saved;
  } catch (error) {
    throw new UserError("is no file of fuzz --resume", { file }, { cause: error });
  }
}

function saveTally(file: string | undefined, tally: Tally): void {
  if (file === undefined) return;
  write(`${file}.new`, JSON.stringify(tally.save()));
  renameSync(`${file}.new`, file);
}

/** The programs with those numbers, as files of the corpus. */
async function keep(folder: string, settings: CampaignSettings, indices: readonly number[]): Promise<void> {
  if (!indices.length) return;
  const { programText } = await import("../fuzz/reduce.ts");
  makeFolder(folder);
  for (const index of indices) write(join(folder, `seed-${settings.seed}-${index}.yaml`), programText(settings, index));
}

/** The first disagreements of each kind on each profile, made small and written. */
async function shrinkAll(folder: string, tally: Tally): Promise<Found[]> {
  const { reduce } = await import("../fuzz/reduce.ts");
  const kinds = new Map<string, NumberedDisagreement[]>();
  for (const one of tally.disagreements) {
    const kind = `${one.disagreement.profile}-${one.disagreement.what}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), one].slice(0, SHRUNK));
  }
  const found: Found[] = [];
  for (const [kind, ones] of kinds)
    for (const one of ones) {
      const reduced = reduce(tally.settings, one);
      makeFolder(folder);
      const file = join(folder, `${kind}-${tally.settings.seed}-${one.index}.yaml`);
      write(file, reduced.text);
      found.push({ reduced, file });
    }
  return found;
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new UserError(`cannot be made: ${(error as Error).message}`, { file: folder }, { cause: error });
  }
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new UserError(`cannot be written: ${(error as Error).message}`, { file }, { cause: error });
  }
}
