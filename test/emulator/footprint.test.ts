import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { kernels } from "../../bpf/verifier/index.ts";
import { behaviourOf } from "../../emulator/behaviour.ts";
import { Kernel } from "../../emulator/kernel.ts";
import { Machine } from "../../emulator/machine.ts";
import { NativeEngine } from "../../emulator/native/engine.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import { loadBpf, mapDef } from "./bpf.ts";
import { rax } from "./guest.ts";

const MIB = 1024 * 1024;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Resident bytes of this process once garbage is gone. */
async function resident(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise(setImmediate);
  }
  return process.memoryUsage.rss();
}

/** A machine's whole life: maps, a program compiled, run and snapshotted, everything closed. */
function live(): void {
  const name = "linux-6.12";
  const layout = { structs: kernels[name].structs, percpu: profileNamed(name)!.percpu };
  const machine = new Machine({ engine: new NativeEngine(), layout });
  const kernel = new Kernel(machine, behaviourOf(name));
  kernel.addMap(mapDef("m", "array", { valueSize: 4096, maxEntries: 16 }));
  const program = loadBpf(kernel, name, "r1 = 5\n*(u64 *)(r10 - 256) = r1\nr0 = *(u64 *)(r10 - 256)\nexit");
  const before = machine.engine.snapshot();
  expect(rax(machine, program)).toBe(5n);
  machine.engine.restore(before);
  expect(rax(machine, program)).toBe(5n);
  machine.close();
}

test("a thousand machines, made and closed, leave no more behind than ten", async () => {
  for (let i = 0; i < 10; i++) live();
  const ten = await resident();
  for (let i = 10; i < 1000; i++) live();
  const grown = (await resident()) - ten;
  expect(grown / MIB).toBeLessThan(100);
});

test("a machine that is open takes what it has touched, not what it has mapped", async () => {
  const before = await resident();
  const machines = Array.from({ length: 20 }, () => {
    const layout = { structs: kernels["linux-6.12"].structs, percpu: profileNamed("linux-6.12")!.percpu };
    return new Machine({ engine: new NativeEngine(), layout });
  });
  const grown = (await resident()) - before;
  for (const machine of machines) machine.close();
  expect(grown / MIB / machines.length).toBeLessThan(16); // the direct map alone is 128 MiB
});
