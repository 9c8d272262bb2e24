import { describe, expect, test } from "vitest";
import { RDI } from "../../../emulator/engine.ts";
import type { Kernel } from "../../../emulator/kernel.ts";
import { EINVAL, keyOf } from "../../../emulator/maps/map.ts";
import type { ProgArrayMap } from "../../../emulator/maps/prog-array.ts";
import { PokeError, setProgArray, textPoke, updateProgArray } from "../../../emulator/poke.ts";
import { type LoadedBpf, loadBpf, mapDef } from "../bpf.ts";
import { eachKernel, type KernelName, newKernel, rax } from "../guest.ts";

const NOP5 = "0f1f440000";

/** main tail-calls slot 1 and returns 100 when it is not taken; callees return 1, 2. */
function world(name: KernelName | `${KernelName}+harden`, index = "1") {
  const kernel = newKernel(name.split("+")[0] as KernelName);
  const map = kernel.addMap(mapDef("jmp", "prog_array")) as ProgArrayMap;
  const main = loadBpf(kernel, name, `r2 = jmp ll\nr3 = ${index}\ncall bpf_tail_call\nr0 = 100\nexit`);
  const [a, b] = [1, 2].map((n) => loadBpf(kernel, name, `r0 = ${n}\nexit`, { entry: `callee_${n}` }));
  const run = () => rax(kernel.machine, main, { [RDI]: kernel.machine.heap.take(512) });
  return { kernel, map, main, a, b, run };
}

/** Bytes of main's patch sites: nop5, or a jump to what. */
function sites({ machine }: Kernel, { functions: [{ image }] }: LoadedBpf) {
  const [site] = image.pokes;
  const at = (offset: number) => {
    const bytes = Buffer.from(machine.memory.read(image.address + BigInt(offset), 5));
    if (bytes[0] !== 0xe9) return bytes.toString("hex");
    return image.address + BigInt(offset + 5 + bytes.readInt32LE(1));
  };
  return { bypass: at(site.bypass!), target: at(site.target) };
}

eachKernel("a prog_array on %s", (name) => {
  test("bpf_array.ptrs[] hold the addresses of struct bpf_prog, 0 where a slot is empty", () => {
    const { kernel, map, a } = world(name);
    const ptrs = map.address + BigInt(kernel.machine.layout.structs.bpf_array.members.ptrs);
    const read = () => [0, 1, 2, 3].map((i) => kernel.machine.memory.load(ptrs + BigInt(8 * i), 8));
    expect(read()).toEqual([0n, 0n, 0n, 0n]);
    setProgArray(kernel.machine, map, 1, a);
    expect(read()).toEqual([0n, a.address, 0n, 0n]);
    expect([map.programAt(1), map.programAt(0)]).toEqual([a, undefined]);
    expect(map.lookup(keyOf(1))).toBe(ptrs + 8n);
  });

  test("installed, replaced, deleted: a direct tail call follows at once", () => {
    const { kernel, map, a, b, run } = world(name);
    expect(run()).toBe(100n);
    for (const [program, result] of [
      [a, 1n],
      [b, 2n],
      [undefined, 100n],
      [b, 2n],
    ] as const) {
      setProgArray(kernel.machine, map, 1, program);
      expect(run()).toBe(result);
    }
  });

  test("an indirect tail call reads the slot", () => {
    const { kernel, map, a, run, main } = world(name, "*(u32 *)(r1 + 8)");
    expect(main.functions[0].image.pokes).toEqual([]);
    const { machine } = kernel;
    const take = machine.heap.take.bind(machine.heap);
    machine.heap.take = (size, align) => {
      const skb = take(size, align);
      machine.memory.store(skb + BigInt(machine.layout.structs.sk_buff.members.mark), 4, 1n);
      return skb;
    };
    expect(run()).toBe(100n);
    setProgArray(machine, map, 1, a);
    expect(run()).toBe(1n);
    setProgArray(machine, map, 1, undefined);
    expect(run()).toBe(100n);
  });
});

describe("the poke protocol", () => {
  test("installs: the target becomes a jump before the bypass opens", () => {
    const { kernel, map, main, a } = world("linux-6.12");
    const { image } = main.functions[0];
    const [{ bypass, target, adjust }] = image.pokes;
    const over = image.address + BigInt(target + 5);
    const into = a.entry + BigInt(adjust);
    expect(sites(kernel, main)).toEqual({ bypass: over, target: NOP5 });
    const steps = [...updateProgArray(kernel.machine, map, 1, a)].map(({ which, now }) => `${which}: ${now}`);
    expect(steps).toEqual([
      ...["target: int3", "target: int3", `target: jmp 0x${into.toString(16)}`],
      ...["bypass: int3", "bypass: int3", "bypass: nop5"],
    ]);
    expect(sites(kernel, main)).toEqual({ bypass: NOP5, target: into });
    expect(bypass).toBeLessThan(target);
  });

  test("replaces: only the target's jump changes", () => {
    const { kernel, map, main, a, b } = world("linux-6.12");
    setProgArray(kernel.machine, map, 1, a);
    const steps = [...updateProgArray(kernel.machine, map, 1, b)];
    expect(steps.map(({ which }) => which)).toEqual(["target", "target", "target"]);
    const [{ adjust }] = main.functions[0].image.pokes;
    expect(sites(kernel, main)).toEqual({ bypass: NOP5, target: b.entry + BigInt(adjust) });
  });

  test("deletes: the bypass closes before the target is gone", () => {
    const { kernel, map, main, a } = world("linux-6.12");
    const before = sites(kernel, main);
    setProgArray(kernel.machine, map, 1, a);
    const steps = [...updateProgArray(kernel.machine, map, 1, undefined)].filter(({ now }) => now !== "int3");
    expect(steps.map(({ which, grace }) => [which, grace ?? false])).toEqual([
      ["bypass", true],
      ["target", false],
    ]);
    expect(sites(kernel, main)).toEqual(before);
  });

  test("between any two steps the program either takes the tail call or doesn't", () => {
    const { kernel, map, a, b, run } = world("linux-6.12");
    for (const [next, before, after] of [
      [a, 100n, 1n],
      [b, 1n, 2n],
      [undefined, 2n, 100n],
    ] as const)
      for (const _ of updateProgArray(kernel.machine, map, 1, next)) expect([before, after]).toContain(run());
  });

  test("the same program again, or a slot that nobody's code has, pokes nothing", () => {
    const { kernel, map, a } = world("linux-6.12");
    setProgArray(kernel.machine, map, 1, a);
    expect([...updateProgArray(kernel.machine, map, 1, a)]).toEqual([]);
    expect([...updateProgArray(kernel.machine, map, 0, a)]).toEqual([]);
    expect([...updateProgArray(kernel.machine, map, 2, undefined)]).toEqual([]);
  });

  test("a site that holds something else is where the kernel would BUG", () => {
    const { kernel, map, main, a } = world("linux-6.12");
    const { image } = main.functions[0];
    const at = image.address + BigInt(image.pokes[0].target);
    kernel.machine.memory.write(at, Uint8Array.of(0x90));
    expect(() => setProgArray(kernel.machine, map, 1, a)).toThrow(
      new PokeError(`0x${at.toString(16)} holds 901f440000, not the ${NOP5} that the poke expects`),
    );
  });

  test("a poke: int3, then the rest, then the first byte, and no byte beyond", () => {
    const { kernel } = world("linux-6.12");
    const { machine } = kernel;
    const at = machine.heap.take(8);
    machine.memory.write(at, Uint8Array.of(1, 2, 3, 4, 5, 6));
    const poke = textPoke(machine, at, Uint8Array.of(1, 2, 3, 4, 5), Uint8Array.of(9, 8, 7, 6, 5));
    expect(Array.from(poke, (step) => [step, ...machine.memory.read(at, 6)])).toEqual([
      ["int3", 0xcc, 2, 3, 4, 5, 6],
      ["tail", 0xcc, 8, 7, 6, 5, 6],
      ["done", 9, 8, 7, 6, 5, 6],
    ]);
  });
});

test("user space cannot read it, and programs cannot change it", () => {
  const { map } = world("linux-6.12");
  expect([map.read(), map.update(), map.remove()]).toEqual([undefined, -EINVAL, -EINVAL]);
  expect([map.lookup(keyOf(4)), map.keys().length]).toEqual([0n, 4]);
});
