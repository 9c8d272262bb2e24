import { vi } from "vitest";
import { main } from "../../../src/cli/main.ts";
import type { RunResult } from "../../../src/runner/result.ts";
import type { RunRequest } from "../../../src/runner/run.ts";

/** What the scenarios come to, instead of an emulator: set before each call. */
export const fake: { run: (request: RunRequest) => RunResult[]; requests: RunRequest[] } = {
  run: () => [],
  requests: [],
};

/** To be handed to vi.mock for src/runner/run.ts. */
export const runner = {
  async *runAll(request: RunRequest): AsyncIterable<RunResult> {
    fake.requests.push(request);
    yield* fake.run(request);
  },
};

const names = ["linux-6.1", "linux-6.12", "rfc-task-struct-v3"];

/** To be handed to vi.mock for src/runner/profiles.ts. */
export const profiles = {
  profileNames: () => [...names, "linux-6.12+mitoff"],
  defaultProfiles: () => names,
  allDesigns: () => names,
  isProfile: (name: string) => /^linux-6\.12(\+(mitoff|zen2))*$/.test(name),
};

/** Calls the command line in this process. */
export async function call(...args: string[]) {
  const written = { stdout: "", stderr: "" };
  const spies = (["stdout", "stderr"] as const).map((name) =>
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      written[name] += text;
      return true;
    }),
  );
  const before = process.exitCode;
  process.exitCode = 0;
  try {
    await main(args);
    return { ...written, code: process.exitCode };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}
