/**
 * Speed of the reference interpreter. Run:
 *     npx esbuild bench/interpreter.ts --bundle --platform=node --format=esm | node --input-type=module
 */
import { assemble } from "../bpf/asm/assemble.ts";
import { Interpreter } from "../bpf/interpreter/interpreter.ts";
import { FlatMemory, type Memory } from "../bpf/memory.ts";

const CONTEXT = 0xffff888000000000n;

/** Bodies of a loop that counts r9 down from 2,000,000. */
const LOOPS: Record<string, string> = {
  "64-bit arithmetic": "r1 += r2 | r2 ^= r1 | r3 = r1 | r3 <<= 7 | r3 >>= 3 | r1 -= r3 | r4 = r1 | r4 &= r2",
  "32-bit arithmetic": "w1 += w2 | w2 ^= w1 | w3 = w1 | w3 <<= 7 | w3 >>= 3 | w1 -= w3 | w4 = w1 | w4 &= w2",
  "64-bit products": "r1 *= r2 | r2 += 3 | r1 *= 7 | r2 *= r1",
  "64-bit divisions": "r1 = 0x123456789abcdef0 ll | r2 = 0x123456789 ll | r1 /= r2 | r1 %= 7",
  "loads and stores":
    "*(u64 *)(r10 - 8) = r1 | r1 = *(u32 *)(r10 - 8) | r2 = *(u64 *)(r6 + 16) | *(u32 *)(r6 + 8) = r2",
  branches: "if r1 == 1 goto +1 | r1 += 1 | if r1 s> 5 goto +1 | r2 += 1 | if w1 < 9 goto +0",
  calls: "call f | r1 += r0",
  atomics: "lock *(u64 *)(r6 + 0) += r9 | r2 = 1 | r2 = atomic_fetch_add((u64 *)(r6 + 8), r2)",
};

function programOf(body: string): { insns: ReturnType<typeof assemble>["insns"] } {
  return assemble(`
    r6 = r1
    r9 = 2000000
    r1 = 0
    r2 = 0
    loop:
    ${body.replaceAll(" | ", "\n")}
    r9 -= 1
    if r9 != 0 goto loop
    r0 = 0
    exit
    f: r0 = 1
    exit`);
}

function measure(name: string, body: string, hide: boolean): void {
  const flat = new FlatMemory();
  flat.map(CONTEXT, 4096);
  const stackTop = 0xffffc90000080000n;
  flat.map(stackTop - 8192n, 8192);
  const memory: Memory = hide ? opaque(flat) : flat;
  const interpreter = new Interpreter({ memory, stackTop, budget: 2 ** 31 });
  const program = programOf(body);
  interpreter.run(program, CONTEXT); // once for the JIT of our own host
  const start = performance.now();
  const { instructions } = interpreter.run(program, CONTEXT);
  const rate = instructions / (performance.now() - start) / 1000;
  console.log(`${name.padEnd(40)}${rate.toFixed(1).padStart(8)} million instructions a second`);
}

/** Memory that lets nobody at its bytes, as one that must see every access. */
const opaque = (memory: Memory): Memory => ({
  load: (address, size) => memory.load(address, size),
  store: (address, size, value) => memory.store(address, size, value),
  read: (address, length) => memory.read(address, length),
  write: (address, bytes) => memory.write(address, bytes),
});

for (const [name, body] of Object.entries(LOOPS)) measure(name, body, false);
measure("loads and stores, memory without regions", LOOPS["loads and stores"], true);
