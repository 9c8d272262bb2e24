import { afterEach, describe, expect, test } from "vitest";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { assembleScenario, buildWorld, type World } from "../../../src/runner/build.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

const open: World[] = [];
afterEach(() => {
  for (const { session } of open.splice(0)) session.machine.close();
});

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

/** main keeps 5 in r6 over a call of traced, to which a program is attached; `patch`: bytes of the trampoline, and what is there instead. */
function run(type: "fentry" | "fexit", patch: [string, string], profile = "linux-6.12") {
  const scenario = parseScenario(
    `title: t
programs:
  main: |
    main:
      r6 = 5
      call traced
      r0 += r6
      exit
    traced:
      r0 = 7
      exit
  tracer:
    attach: { type: ${type}, program: main, function: traced }
    code: |
      r6 = 1
      r0 = 0
      exit
`,
    "x.yaml",
  );
  const world = buildWorld(scenario, assembleScenario(scenario), profileNamed(profile)!);
  open.push(world);
  const { machine } = world.kernel;
  const { image } = machine.functions.find((func) => func.image.trampoline)!;
  const at = Buffer.from(image.bytes).lastIndexOf(hex(patch[0]));
  expect(at).toBeGreaterThanOrEqual(0);
  machine.memory.write(image.address + BigInt(at), hex(patch[1]));
  const { r0, findings } = world.session.enter({
    entry: world.programs.get("main")!.entry,
    context: 0x1234n,
    budget: 10_000,
  });
  return { r0, findings: findings.map(({ check, message }) => `${check}: ${message}`) };
}

const NOP3 = "0f 1f 00";
const NOP4 = "0f 1f 40 00";

describe("a trampoline", () => {
  test("left as it is breaks nothing", () => {
    expect(run("fentry", ["c9", "c9"])).toEqual({ r0: 12n, findings: [] });
    expect(run("fexit", ["c9", "c9"])).toEqual({ r0: 12n, findings: [] });
  });

  test("that does not give rbx back is told at the patch site that called it", () => {
    const { findings } = run("fentry", ["48 8b 5d e8", NOP4]); // movq -0x18(%rbp), %rbx
    expect(findings[0]).toBe("callee-saved: bpf_trampoline_traced did not preserve rbx");
  });

  test("that returns to the function's caller with another rbx is told there", () => {
    const { findings } = run("fexit", ["48 8b 5d e0", NOP4]); // movq -0x20(%rbp), %rbx
    expect(findings[0]).toMatch(/^callee-saved: .* did not preserve rbx$/);
  });

  test("that was jumped to, too", () => {
    const { findings } = run("fexit", ["48 8b 5d e0", NOP4], "linux-7.2");
    expect(findings[0]).toBe("callee-saved: bpf_trampoline_traced did not preserve rbx");
  });

  test("that does not restore an argument", () => {
    const { findings } = run("fentry", ["48 8b 7d f8", NOP4]); // movq -0x8(%rbp), %rdi
    expect(findings).toEqual(["arguments: main#traced does not get R1 (rdi) as it was passed"]);
  });

  test("that makes its frame too small: the program it calls stores over what it saved", () => {
    const { findings } = run("fentry", ["48 83 ec 28", "48 83 ec 10"]); // subq $0x28, %rsp
    expect(findings[0]).toMatch(/^stack-balance: 8 bytes are stored below the stack pointer/);
  });

  test("that forgets to leave its frame", () => {
    const { findings } = run("fentry", ["48 89 e5", NOP3]); // movq %rsp, %rbp
    expect(findings.length).toBeGreaterThan(0);
  });
});
