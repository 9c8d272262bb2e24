import { expect, test } from "vitest";
import { MemoryEngine } from "../../emulator/memory-engine.ts";

test("memory is there, and what lies side by side is one", () => {
  const engine = new MemoryEngine();
  engine.map(0x1000n, 4096);
  engine.map(0x2000n, 4096);
  engine.write(0x1ffen, Uint8Array.of(1, 2, 3, 4));
  expect([...engine.read(0x1ffdn, 6)]).toEqual([0, 1, 2, 3, 4, 0]);
  expect(engine.memory.load(0x2000n, 2)).toBe(0x0403n);
});

test("nothing is where nothing is mapped, nothing is mapped twice, and nothing runs", () => {
  const engine = new MemoryEngine();
  engine.map(0x1000n, 4096);
  expect(() => engine.read(0x1fffn, 2)).toThrow("read of 2 bytes at 0x1fff");
  expect(() => engine.map(0x1000n, 4096)).toThrow("mapped already");
  expect(() => engine.run()).toThrow("this engine has no CPU");
});

test("a large range costs what is touched of it", () => {
  const { memory } = new MemoryEngine();
  memory.map(0xffff888000000000n, 2 ** 40);
  memory.store(0xffff88fffffffff8n, 8, 7n);
  expect(memory.load(0xffff88fffffffffcn - 4n, 8)).toBe(7n);
  expect(memory.load(0xffff888000000000n, 8)).toBe(0n);
});
