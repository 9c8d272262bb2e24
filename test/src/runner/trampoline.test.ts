import { afterEach, describe, expect, test } from "vitest";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { wordsModel } from "../../../jit/trampoline.ts";
import { disassembleAt } from "../../../src/import/x86/disassemble.ts";
import { assembleScenario, buildWorld, type World } from "../../../src/runner/build.ts";
import { Trampoline } from "../../../src/runner/trampoline.ts";
import { parseScenario } from "../../../src/scenario/load.ts";

const TEXT = `title: t
maps: { runs: { type: array, value_size: 8, max_entries: 1 } }
programs:
  main: |
    main:
      call traced
      exit
    traced:
      r0 = 7
      exit
  tracer: |
    tracer:
      r2 = runs[0] ll
      r3 = 1
      lock *(u64 *)(r2 + 0) += r3
      r0 = 0
      exit
`;

const open: World[] = [];
afterEach(() => {
  for (const { session } of open.splice(0)) session.machine.close();
});

/** main calls traced, to which nothing is attached yet; tracer is loaded. */
function world(profileName: string) {
  const scenario = parseScenario(TEXT, "x.yaml");
  const profile = profileNamed(profileName)!;
  const built = buildWorld(scenario, assembleScenario(scenario), profile);
  open.push(built);
  const { kernel, programs, session } = built;
  const traced = programs.get("main")!.functions[1];
  const trampoline = new Trampoline(kernel, profile, { func: traced, model: wordsModel(1) });
  const prog = kernel.programs.find(({ name }) => name === "tracer")!.address;
  const link = (type: "fentry" | "fexit") => ({ type, prog, entry: programs.get("tracer")!.entry });
  const site = traced.image.address + BigInt(traced.image.patchSite!);
  const at = (address: bigint) => disassembleAt(kernel.machine.memory.read(address, 5), address, 0) ?? "";
  return {
    kernel,
    trampoline,
    prog,
    link,
    /** mnemonic at the patch site */
    patched: () => at(site).split(" ")[0],
    at,
    /** images of trampolines, in the order in which they were made */
    images: () => kernel.machine.functions.map(({ image }) => image).filter((image) => image.trampoline),
    run: () => {
      const { r0, findings } = session.enter({ entry: programs.get("main")!.entry, context: 0n, budget: 10_000 });
      const runs = kernel.maps.get("runs")!.read(new Uint8Array(4))![0];
      return { r0, findings, runs };
    },
  };
}

const all = (steps: Iterable<unknown>): number => [...steps].length;

describe.each(["linux-5.10", "linux-6.1", "linux-6.12", "linux-7.2"])("on %s", (profile) => {
  test("attach and detach: the patch site is a call, and then what it was", () => {
    const { trampoline, prog, link, patched, run } = world(profile);
    expect([patched(), run()]).toEqual(["nopl", { r0: 7n, findings: [], runs: 0 }]);
    all(trampoline.attach(link("fentry")));
    expect([patched(), run()]).toEqual(["callq", { r0: 7n, findings: [], runs: 1 }]);
    all(trampoline.detach(prog));
    expect([patched(), run()]).toEqual(["nopl", { r0: 7n, findings: [], runs: 1 }]);
  });

  test("a second program: a new image takes the place of the first", () => {
    const { trampoline, link, run, images } = world(profile);
    all(trampoline.attach(link("fentry")));
    all(trampoline.attach(link("fexit")));
    expect(run()).toEqual({ r0: 7n, findings: [], runs: 2 });
    expect(images()).toHaveLength(2);
  });

  test("each poke in three steps, and at each of them a program that comes by runs", () => {
    const { trampoline, prog, link, run } = world(profile);
    const seen: unknown[] = [];
    for (const steps of [trampoline.attach(link("fexit")), trampoline.detach(prog)])
      for (const step of steps) seen.push([step, run().r0, run().findings]);
    expect(seen.slice(0, 6)).toEqual(["int3", "tail", "done", "int3", "tail", "done"].map((step) => [step, 7n, []]));
  });
});

test("since 6.19 the patch site jumps where the trampoline calls the function", () => {
  const before = world("linux-6.18");
  all(before.trampoline.attach(before.link("fexit")));
  const after = world("linux-7.2");
  all(after.trampoline.attach(after.link("fexit")));
  expect([before.patched(), after.patched()]).toEqual(["callq", "jmp"]);
});

test("detaching lets those out who are inside: the nop behind the call becomes a jump to the end", () => {
  const { trampoline, prog, link, images, at } = world("linux-6.12");
  all(trampoline.attach(link("fexit")));
  const [image] = images();
  const { afterCall, epilogue } = image.trampoline!;
  const nop = image.address + BigInt(afterCall!);
  const steps = trampoline.detach(prog);
  for (let i = 0; i < 3; i++) steps.next();
  expect(at(nop)).toMatch(/^nop/);
  all(steps);
  expect(at(nop)).toBe(`jmp 0x${(image.address + BigInt(epilogue!)).toString(16)}`);
});
