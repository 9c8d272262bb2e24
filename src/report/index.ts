import type { Reporter } from "./report.ts";

export const REPORTERS = ["pretty", "json", "junit", "tap", "github"] as const;
export type ReporterName = (typeof REPORTERS)[number];

const load: Record<ReporterName, () => Promise<Reporter>> = {
  pretty: async () => (await import("./pretty.ts")).pretty,
  json: async () => (await import("./json.ts")).json,
  junit: async () => (await import("./junit.ts")).junit,
  tap: async () => (await import("./tap.ts")).tap,
  github: async () => (await import("./github.ts")).github,
};

/** The reporter of that name, loaded. */
export function reporter(name: ReporterName): Promise<Reporter> {
  return load[name]();
}
