import type { Finding } from "../checks/finding.ts";
import type { RunResult } from "../runner/result.ts";
import { collect, type Reporter } from "./report.ts";

/** For programs: `{ summary, results }`; u64 as decimal strings. `jitproof merge` reads it again. */
export const json: Reporter = async (results, options) => {
  const { results: all, summary } = await collect(results, options);
  options.write(`${JSON.stringify({ summary, results: all.map(toJson) }, null, 2)}\n`);
  return summary;
};

/** A result as JSON has it: what no run has is null, u64 are strings. */
export function toJson(result: RunResult) {
  const { scenario, profile, verdict, r0, tailCalls, instructions, maxStack, findings, ...others } = result;
  return {
    scenario,
    profile,
    verdict,
    r0: r0 === undefined ? null : String(r0),
    tailCalls: String(tailCalls),
    instructions,
    maxStack,
    findings: findings.map((finding) => ({ ...finding, pc: String(finding.pc) })),
    ...others,
  };
}

type JsonFinding = Omit<Finding, "pc"> & { pc: string };
export type JsonResult = Omit<RunResult, "r0" | "tailCalls" | "findings"> & {
  r0: string | null;
  tailCalls: string;
  findings: JsonFinding[];
};

/** The inverse of toJson. */
export function fromJson({ r0, tailCalls, findings, ...others }: JsonResult): RunResult {
  return {
    ...others,
    ...(r0 === null ? {} : { r0: BigInt(r0) }),
    tailCalls: BigInt(tailCalls),
    findings: findings.map((finding) => ({ ...finding, pc: BigInt(finding.pc) })),
  };
}

/** Whether a value has the shape of a result in JSON. */
export function isJsonResult(value: unknown): value is JsonResult {
  const result = value as JsonResult;
  const u64 = (text: unknown) => typeof text === "string" && /^\d+$/.test(text);
  return (
    typeof result === "object" &&
    result !== null &&
    [result.scenario, result.title, result.file, result.profile].every((text) => typeof text === "string") &&
    ["pass", "breaks", "fail", "skip"].includes(result.verdict) &&
    (result.r0 === null || u64(result.r0)) &&
    u64(result.tailCalls) &&
    [result.instructions, result.maxStack, result.ms].every((number) => typeof number === "number") &&
    Array.isArray(result.mismatches) &&
    Array.isArray(result.findings) &&
    result.findings.every((finding) => u64(finding?.pc))
  );
}
