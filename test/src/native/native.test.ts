import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { runOnCpu } from "../../../src/native/brute.ts";
import { checkNative } from "../../../src/native/check.ts";
import { Child } from "../../../src/native/child.ts";
import { Script } from "../../../src/native/script.ts";
import { catalogue, loadScenario } from "../../../src/scenario/index.ts";

const canRun = process.platform === "linux" && process.arch === "x64" && spawnSync("cc", ["--version"]).status === 0;
const CODE = 0x1100_0000n;
const SIGILL = 4;
const SAME = 2n ** 64n - 1n;

describe.skipIf(!canRun)("on the CPU", () => {
  let child: Child;
  beforeAll(() => {
    child = new Child();
  });
  afterAll(() => child.close());

  /** What entering that machine code comes to: signal, rax, callee-saved registers that changed. */
  function enter(hex: string, context = 0n): bigint[] {
    const script = new Script();
    script.map(CODE, 4096n);
    script.write(CODE, Buffer.from(hex.replaceAll(" ", ""), "hex"));
    script.enter(CODE, context);
    return [...child.run(script)];
  }

  test.each([
    ["48 8d 47 05  c3", "lea 5(%rdi), %rax", { signal: 0, rax: 12, changed: 0 }],
    ["31 c0 31 db  c3", "xor %eax, %eax; xor %ebx, %ebx", { signal: 0, rax: 0, changed: 1 }],
    ["0f 0b", "ud2", { signal: SIGILL, rax: 0, changed: 0 }],
  ])("%s (%s, with 7 in rdi) comes to %j", (hex, _, answers) => {
    const [signal, rax, changed] = enter(hex, 7n).map(Number);
    expect({ signal, rax, changed }).toEqual(answers);
  });

  test("per-CPU variables are behind gs", () => {
    const script = new Script();
    script.map(CODE, 8192n);
    script.write(CODE, Buffer.from("65488b042510000000c3", "hex")); // mov %gs:0x10, %rax
    script.write(CODE + 4096n + 16n, Uint8Array.of(42));
    script.gs(CODE + 4096n);
    const at = script.enter(CODE, 0n);
    expect(child.run(script)[at + 1]).toBe(42n);
  });

  test("memory is compared", () => {
    const script = new Script();
    script.map(CODE, 4096n);
    script.write(CODE, Uint8Array.of(1, 2, 3));
    script.compare(CODE, Uint8Array.of(1, 2, 3));
    script.compare(CODE, Uint8Array.of(1, 2, 4));
    expect([...child.run(script)]).toEqual([SAME, 2n]);
  });

  test.each(["linux-6.12", "linux-7.2", "linux-6.12+stuff"])(
    "%s: emulator and CPU agree about what fuzz generates",
    (name) => {
      const { disagreements, ...result } = checkNative(profileNamed(name)!, 1, 25, child);
      expect(disagreements).toEqual([]);
      expect(result).toMatchObject({ profile: name, programs: 25 });
      expect(result.runs).toBeGreaterThan(25);
    },
  );

  test.each<[string, (answers: BigUint64Array) => void, object]>([
    ["rax", (answers) => answers.set([5n], 1), { what: "r0", cpu: "5" }],
    ["a register", (answers) => answers.set([2n], 2), { what: "callee-saved", cpu: "not those of bits 0x2" }],
    ["memory", (answers) => answers.set([64n], 3), { what: "memory" }],
  ])("a CPU that leaves other %s disagrees", (_, spoil, expected) => {
    const spoilt = {
      run(script: Script) {
        const answers = child.run(script);
        spoil(answers);
        return answers;
      },
    } as Child;
    expect(checkNative(profileNamed("linux-6.12")!, 1, 3, spoilt).disagreements).toMatchObject([expected]);
  });

  test("a scenario runs to its end, however many tail calls that takes", () => {
    const scenario = loadScenario(join(catalogue(), "hierarchy/two-calls.yaml"));
    expect(runOnCpu(scenario, profileNamed("linux-6.12")!, 10, child)).toMatchObject({
      r0: 1n,
      values: { "counter[0]": 34n },
    });
    // by value: 2^34 - 2 tail calls
    expect(runOnCpu(scenario, profileNamed("linux-6.1")!, 1, child)).toMatchObject({ r0: undefined, signal: 0 });
  });

  test("one that calls a helper cannot", () => {
    const scenario = loadScenario(join(catalogue(), "helpers/hash-map.yaml"));
    expect(() => runOnCpu(scenario, profileNamed("linux-6.12")!, 10, child)).toThrow(/which is no machine code/);
  });
});
