/**
 * The library: what the command line does, for programs.
 *
 *     import { assemble, compile, Machine, run } from "jitproof";
 */
export type { Finding } from "./checks/finding.ts";
export { UserError, type Where } from "./error.ts";
export { type AssembleOptions, assemble, type Program, type Programs } from "./library/assemble.ts";
export { type Compiled, type CompiledFunction, compile, type MachineInsn } from "./library/compile.ts";
export { Machine, type RunOptions, run } from "./library/machine.ts";
export type { Registers, Run } from "./library/run.ts";
export type { ContextSource, MapSource, ProgramSource, Source, Value } from "./library/source.ts";
export { REPORTERS, type ReporterName, reporter } from "./report/index.ts";
export type { Reporter, ReportOptions, Summary } from "./report/report.ts";
export { defaultProfiles, isProfile, profileNames } from "./runner/profiles.ts";
export type { Mismatch, RunResult, Verdict } from "./runner/result.ts";
export { type RunRequest, runAll } from "./runner/run.ts";
export * from "./scenario/index.ts";
