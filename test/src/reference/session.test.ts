import { expect, test } from "vitest";
import { assemble } from "../../../bpf/asm/assemble.ts";
import { linkXlated } from "../../../bpf/interpreter/link.ts";
import type { TailCallCounting } from "../../../bpf/interpreter/settings.ts";
import { MAP_TYPE_ARRAY, MAP_TYPE_PROG_ARRAY, PROG_TYPE_SCHED_CLS } from "../../../bpf/program.ts";
import { kernels, verify } from "../../../bpf/verifier/index.ts";
import { behaviourOf } from "../../../emulator/behaviour.ts";
import { Kernel } from "../../../emulator/kernel.ts";
import { Machine } from "../../../emulator/machine.ts";
import type { ArrayMap } from "../../../emulator/maps/array.ts";
import type { ProgArrayMap } from "../../../emulator/maps/prog-array.ts";
import { MemoryEngine } from "../../../emulator/memory-engine.ts";
import { setProgArray } from "../../../emulator/poke.ts";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { countingOf } from "../../../src/reference/counting.ts";
import { ReferenceSession } from "../../../src/reference/session.ts";
import { buildContext } from "../../../src/runner/context.ts";

const MAPS = [
  { name: "data", type: MAP_TYPE_ARRAY, keySize: 4, valueSize: 8, maxEntries: 2 },
  { name: "jmp", type: MAP_TYPE_PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 1 },
];

/** Runs `text` as program p, which is in jmp[0]; the first element of data afterwards. */
function run(text: string, { counting = countingOf(profileNamed("linux-6.12")!), tailCallLimit = Infinity } = {}) {
  const features = kernels["linux-6.12"];
  const engine = new MemoryEngine();
  const { percpu } = profileNamed("linux-6.12")!;
  const machine = new Machine({ engine, layout: { structs: features.structs, percpu } });
  const kernel = new Kernel(machine, behaviourOf("6.12"));
  for (const def of MAPS) kernel.addMap(def);
  const session = new ReferenceSession({ kernel, engine, counting: counting as TailCallCounting, budget: 100_000 });
  const { insns, functions, relocs } = assemble(text.replaceAll(/\s\|\s/g, "\n"), {
    maps: ["data", "jmp"],
    entry: "p",
  });
  const program = { name: "p", type: PROG_TYPE_SCHED_CLS, insns, functions, relocs };
  const data = kernel.maps.get("data") as ArrayMap;
  const addresses = {
    map: (name: string) => kernel.maps.get(name)!.address,
    value: () => data.values,
    symbol: (name: string) => machine.symbol(name),
  };
  session.add("p", 0x1000n, linkXlated(verify(program, MAPS, features, []), addresses));
  setProgArray(machine, kernel.maps.get("jmp") as ProgArrayMap, 0, kernel.addProgram("p", 0x1000n));
  const context = buildContext(kernel, PROG_TYPE_SCHED_CLS, undefined);
  const { r0, tailCalls, findings, calls } = session.enter({ entry: 0x1000n, context, tailCallLimit });
  const found = findings.map(({ check, message }) => `${check}: ${message}`);
  return { r0, tailCalls, found, calls: Object.fromEntries(calls), data: machine.memory.load(data.values, 8) };
}

test("programs find the machine's context, maps and helpers", () => {
  expect(
    run("r6 = *(u32 *)(r1 + 0) | r1 = data[0] ll | *(u64 *)(r1 + 0) = r6 | call bpf_get_prandom_u32 | r0 = r6 | exit"),
  ).toMatchObject({ r0: 64n, data: 64n, calls: { bpf_user_rnd_u32: 1 } });
});

test("a helper calls back, and goes on with what its callback returns", () => {
  const loop = "r1 = 10 | r2 = add ll | r3 = 0 | r4 = 0 | call bpf_loop | exit";
  const add = "add: r2 = data[0] ll | lock *(u64 *)(r2 + 0) += r1 | r0 = 0 | if r1 != 4 goto out | r0 = 1 | out: exit";
  expect(run(`${loop} | ${add}`)).toMatchObject({ r0: 5n, data: 10n });
});

const TWICE =
  "r6 = r1 | call f | r1 = r6 | call f | r0 = 1 | exit | f: r2 = jmp ll | r3 = 0 | call bpf_tail_call | r0 = 0 | exit";

test("tail calls go through the machine's prog arrays", () => {
  expect(run(TWICE)).toMatchObject({ r0: 1n, tailCalls: 33n, found: [] });
});

test("a kernel that counts by value gets past the limit, and is stopped there", () => {
  const counting = countingOf(profileNamed("linux-6.1")!);
  expect(run(TWICE, { counting, tailCallLimit: 33 })).toMatchObject({
    r0: undefined,
    tailCalls: 34n,
    found: ["tail-call-limit: tail call 34 of one entry is taken"],
  });
});

test("a run that takes too long is a finding", () => {
  const text = "r1 = 0x100000 | r2 = idle ll | r3 = 0 | r4 = 0 | call bpf_loop | exit | idle: r0 = 0 | exit";
  expect(run(text).found).toEqual(["budget: the program is still running after 100000 instructions"]);
});
