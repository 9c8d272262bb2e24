import type { ConformanceResult } from "./result.ts";

export async function* runDataFiles(_paths: string[], _settings: unknown): AsyncGenerator<ConformanceResult> {}
