import type { Image } from "../../bpf/image.ts";
import type { Xlated } from "../../bpf/xlated.ts";
import { disassemble } from "../import/x86/disassemble.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { withChanges } from "./apply.ts";
import { IMAGE_FAULTS, type ImageFault } from "./image-faults.ts";
import type { Mutant, Sample } from "./mutant.ts";
import { OPERATORS, operatorNamed } from "./operators/index.ts";
import type { Spot } from "./operators/operator.ts";
import { sitesOf } from "./sites.ts";
import { firstTrial, type Trial } from "./trial.ts";

/** A mutant, and what it makes of a function's image; undefined: it leaves this one as it is. */
export interface Fault extends Mutant {
  notice: string;
  rework(trial: Trial, image: Image): Image | undefined;
  /** whether the scenario's code has the site */
  concerns(trial: Trial): boolean;
  /** whether the scenario's code says the same, in other bytes */
  reads(trial: Trial): "the same" | "otherwise";
}

/** Every scenario on a profile with the JIT as it is, and every fault that may befall what it emits there, by site. */
export interface Survey {
  trials: Trial[];
  /** sites in alphabetical order, with their faults */
  sites: [site: string, faults: Fault[]][];
}

export function survey(profile: string, scenarios: readonly Scenario[], filter?: RegExp): Survey {
  const forms = new Map<string, string>();
  const images = new Map<Trial["sites"], Image[]>();
  const trials = scenarios.flatMap((scenario) => {
    const sites: Trial["sites"] = new Map();
    const seen: Image[] = [];
    const look = (image: Image, xlated: Xlated, index: number): undefined => {
      if (sites.has(image.name)) return;
      const fn = xlated.functions[index];
      sites.set(image.name, sitesOf(image, xlated.insns.slice(fn.start, fn.start + fn.insns), forms));
      seen.push(image);
    };
    images.set(sites, seen);
    return firstTrial(scenario, profile, look, sites) ?? [];
  });
  const faults = [...instructionFaults(profile, trials), ...imageFaults(profile, trials, images)];
  const bySite = new Map<string, Fault[]>();
  for (const fault of faults) {
    if (filter && !filter.test(`${fault.site} · ${fault.operator}`)) continue;
    bySite.set(fault.site, [...(bySite.get(fault.site) ?? []), fault]);
  }
  return { trials, sites: [...bySite].sort(([a], [b]) => (a < b ? -1 : 1)) };
}

interface Instance {
  trial: Trial;
  image: string;
  spot: Spot;
}

function instructionFaults(profile: string, trials: readonly Trial[]): Fault[] {
  const instances = new Map<string, Instance[]>();
  for (const trial of trials)
    for (const [image, sites] of trial.sites)
      for (const { site, spot } of sites) instances.set(site, [...(instances.get(site) ?? []), { trial, image, spot }]);
  return [...instances].flatMap(([site, all]) => faultsOf(profile, site, all));
}

/** Two operators that make the same of an instruction are one fault. */
function faultsOf(profile: string, site: string, instances: readonly Instance[]): Fault[] {
  const made = new Set<string>();
  return OPERATORS.flatMap(({ name, notice }) => {
    const first = instances.find(({ spot }) => operatorNamed(name).apply(spot) !== undefined);
    if (!first) return [];
    const sample = sampleOf(first, name);
    const key = `${sample.offset} ${sample.after?.[0]}`;
    if (made.has(key)) return [];
    made.add(key);
    return [{ profile, site, operator: name, notice, sample, ...reworkOf(site, name) }];
  });
}

/** What an operator does to all that a site emitted. */
export function reworkOf(site: string, operator: string): Pick<Fault, "rework" | "concerns" | "reads"> {
  const { apply } = operatorNamed(operator);
  const changes = (trial: Trial, image: string) =>
    (trial.sites.get(image) ?? []).flatMap((at) => {
      const bytes = at.site === site ? apply(at.spot) : undefined;
      return bytes ? [{ offset: at.spot.offset, bytes }] : [];
    });
  return {
    rework: (trial, image) => withChanges(image, changes(trial, image.name)),
    concerns: (trial) => [...trial.sites.keys()].some((image) => changes(trial, image).length > 0),
    reads: (trial) => (spotsOf(trial, site).every((spot) => sameWords(spot, apply(spot))) ? "the same" : "otherwise"),
  };
}

const spotsOf = (trial: Trial, site: string): Spot[] =>
  [...trial.sites.values()].flatMap((sites) => sites.filter((at) => at.site === site).map(({ spot }) => spot));

const words = (bytes: Uint8Array): string =>
  disassemble(bytes, 0n)
    .map(({ text }) => text)
    .join("; ");

const sameWords = ({ bytes }: Spot, made: Uint8Array | undefined): boolean =>
  made === undefined || (made.length === bytes.length && words(bytes) === words(made));

function sampleOf({ trial, image, spot }: Instance, operator: string): Sample {
  const after = operatorNamed(operator).apply(spot)!;
  const before = after.length > spot.bytes.length ? Uint8Array.of(...spot.bytes, ...spot.next!) : spot.bytes;
  const text = (bytes: Uint8Array): [string, string] => [
    Buffer.from(bytes).toString("hex"),
    disassemble(bytes, BigInt(spot.offset))
      .map((line) => line.text)
      .join("; "),
  ];
  return {
    scenario: trial.scenario.id,
    function: image,
    offset: spot.offset,
    before: text(before),
    after: text(after),
  };
}

function imageFaults(profile: string, trials: readonly Trial[], images: Map<Trial["sites"], Image[]>): Fault[] {
  return IMAGE_FAULTS.flatMap((fault: ImageFault) => {
    const concerns = (trial: Trial): boolean =>
      (images.get(trial.sites) ?? []).some((image) => fault.apply(image) !== undefined);
    const first = trials.find(concerns);
    if (!first) return [];
    const image = images.get(first.sites)!.find((candidate) => fault.apply(candidate) !== undefined)!;
    const sample = { scenario: first.scenario.id, function: image.name, offset: image.pokes[0]?.target ?? 0 };
    const { site, name: operator, notice } = fault;
    const rework = (_: Trial, at: Image) => fault.apply(at);
    return [{ profile, site, operator, notice, sample, concerns, rework, reads: () => "otherwise" as const }];
  });
}
