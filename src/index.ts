/** The library: what the command line does, for programs. */
export type { Finding } from "./checks/finding.ts";
export { UserError, type Where } from "./error.ts";
export { REPORTERS, type ReporterName, reporter } from "./report/index.ts";
export type { Reporter, ReportOptions, Summary } from "./report/report.ts";
export { defaultProfiles, isProfile, profileNames } from "./runner/profiles.ts";
export type { Mismatch, RunResult, Verdict } from "./runner/result.ts";
export { type RunRequest, runAll } from "./runner/run.ts";
export * from "./scenario/index.ts";
