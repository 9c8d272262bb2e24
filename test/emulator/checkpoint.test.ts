import { describe, expect, test } from "vitest";
import { Checkpoint } from "../../emulator/checkpoint.ts";
import { RAX, RBX, RIP } from "../../emulator/engine.ts";
import type { Kernel } from "../../emulator/kernel.ts";
import { loadBpf, mapDef } from "./bpf.ts";
import { newKernel } from "./guest.ts";

/** A kernel about to run a program whose result depends on everything that a run can change. */
function prepared(text: string, name: "linux-6.12" | "linux-6.1" = "linux-6.12"): Kernel {
  const kernel = newKernel(name);
  kernel.addMap(mapDef("counter", "array"));
  kernel.addMap(mapDef("seen", "hash", { maxEntries: 40 }));
  kernel.addMap(mapDef("many", "array", { maxEntries: 40 }));
  const { entry } = loadBpf(kernel, name, text);
  kernel.machine.prepare({ entry, context: 0n });
  return kernel;
}

/** Everything there is to see of a machine that has run on by so many instructions. */
function runOn(kernel: Kernel, instructions: number) {
  const { machine } = kernel;
  machine.engine.icount = 0;
  const { kind } = machine.resume(instructions);
  const { regs } = machine.engine;
  const counter = kernel.maps.get("counter")!.read(Uint8Array.of(0, 0, 0, 0));
  return { kind, rip: regs[RIP], rax: regs[RAX], rbx: regs[RBX], counter, seen: kernel.maps.get("seen")!.keys() };
}

const RANDOM_SUM = `
  r6 = 0
  call bpf_get_prandom_u32
  r6 += r0
  call bpf_ktime_get_ns
  r6 += r0
  r0 = r6
  exit`;

const CALLBACKS = `
  r1 = many ll
  r2 = again ll
  r3 = 0
  r4 = 0
  call bpf_for_each_map_elem
  r0 = 0
  exit
again:
  r6 = *(u32 *)(r2 + 0)
  *(u32 *)(r10 - 4) = r6
  *(u64 *)(r10 - 16) = r6
  r1 = seen ll
  r2 = r10
  r2 += -4
  r3 = r10
  r3 += -16
  r4 = 0
  call bpf_map_update_elem
  r1 = counter[0] ll
  r2 = *(u64 *)(r1 + 0)
  r2 += 1
  *(u64 *)(r1 + 0) = r2
  r0 = 0
  exit`;

describe("a checkpoint", () => {
  test("brings registers, clock and random numbers back, as often as one likes", () => {
    const kernel = prepared(RANDOM_SUM);
    const checkpoint = new Checkpoint(kernel);
    const first = runOn(kernel, 1000);
    expect(first.kind).toBe("until");
    for (let i = 0; i < 3; i++) {
      checkpoint.restore();
      expect(runOn(kernel, 1000)).toEqual(first);
    }
    kernel.machine.close();
  });

  test("in the middle of a helper's callback goes on with the loop that waits for it", () => {
    const kernel = prepared(CALLBACKS);
    runOn(kernel, 200);
    const early = new Checkpoint(kernel);
    const steps = [1, 50, 300, 100_000].map((instructions) => runOn(kernel, instructions));
    const late = new Checkpoint(kernel);
    expect(steps.at(-1)).toMatchObject({ kind: "until" });
    for (let i = 0; i < 2; i++) {
      early.restore();
      expect([1, 50, 300, 100_000].map((instructions) => runOn(kernel, instructions))).toEqual(steps);
    }
    late.restore();
    expect(kernel.maps.get("counter")!.read(Uint8Array.of(0, 0, 0, 0))).toEqual(steps[3].counter);
    kernel.machine.close();
  });

  test("knows the text pokes that are under way", () => {
    const kernel = prepared(RANDOM_SUM);
    const { machine } = kernel;
    const poke = [machine.functions[0].entry, Uint8Array.of(0x90)] as const;
    machine.poking.set(...poke);
    const checkpoint = new Checkpoint(kernel);
    machine.poking.clear();
    checkpoint.restore();
    expect([...machine.poking]).toEqual([poke]);
    machine.close();
  });

  test("knows which CPU and task ran, and how many tail calls", () => {
    const kernel = prepared(RANDOM_SUM);
    const { machine } = kernel;
    for (let i = 0; i < 7; i++) machine.tailCallCounts.take();
    const [first, second] = [machine.task, machine.addTask()];
    const checkpoint = new Checkpoint(kernel);
    machine.schedule(0, second);
    machine.tailCallCounts.reset();
    checkpoint.restore();
    expect([machine.task, machine.tailCalls, machine.engine.tag]).toEqual([first, 7, BigInt(first.pid) << 32n]);
    machine.close();
  });
});
