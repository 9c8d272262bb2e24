import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { wantsColor } from "../../../src/cli/output.ts";
import { Progress } from "../../../src/cli/progress.ts";
import { result } from "../report/synthetic.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["performance", "setInterval", "clearInterval"] }));
afterEach(() => void vi.useRealTimers());

/** What stands on stderr while `n` results come, `ms` apart. */
async function watch(isTTY: boolean, n: number, ms: number): Promise<string> {
  let text = "";
  const write = (part: string) => {
    text += part;
    return true;
  };
  const progress = new Progress(n, { isTTY, columns: 40, write } as unknown as NodeJS.WriteStream);
  async function* slow() {
    for (let i = 0; i < n; i++) {
      vi.advanceTimersByTime(ms);
      yield result(`s${i}`, "linux-6.12");
    }
  }
  for await (const _ of progress.watch(slow()));
  return text;
}

test("nothing is shown within the first second, or where stderr is no terminal", async () => {
  expect(await watch(true, 9, 100)).toBe("");
  expect(await watch(false, 9, 1000)).toBe("");
});

test("later one line says how far the work is, at most ten times a second, and goes at the end", async () => {
  const shown = (await watch(true, 4, 600)).split("\r\u001b[K");
  expect(shown).toContain("2/4 s1 on linux-6.12");
  expect(shown).toContain("4/4 s3 on linux-6.12");
  expect(shown.at(-1)).toBe("");
  expect((await watch(true, 3000, 1)).split("\r").length).toBeLessThanOrEqual(23);
});

test.each([
  ["a terminal", true, true, {}, true],
  ["a pipe", true, false, {}, false],
  ["a dumb terminal", true, true, { TERM: "dumb" }, false],
  ["a pipe, FORCE_COLOR=1", true, false, { FORCE_COLOR: "1" }, true],
  ["a terminal, FORCE_COLOR=0", true, true, { FORCE_COLOR: "0" }, false],
  ["a terminal, NO_COLOR=1", true, true, { NO_COLOR: "1" }, false],
  ["a terminal, NO_COLOR empty", true, true, { NO_COLOR: "" }, true],
  ["NO_COLOR and FORCE_COLOR", true, true, { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
  ["a terminal, --no-color", false, true, { FORCE_COLOR: "1" }, false],
])("colours on %s", (_, option, isTerminal, env, expected) => {
  expect(wantsColor(option, isTerminal, env)).toBe(expected);
});
