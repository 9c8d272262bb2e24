import { expect, test } from "vitest";
import { BPF_DW, BPF_LDX, BPF_PROBE_MEM, BPF_W } from "../../../bpf/opcode.ts";
import * as P from "../../../bpf/program.ts";
import {
  type KernelFeatures,
  linux4_10,
  linux5_10,
  linux6_1,
  linux6_12,
  linux6_18,
  linux7_2,
} from "../../../bpf/verifier/index.ts";
import { lines, type Setting, xlate, xlatedText } from "./xlate.ts";

/** The listing without the function's name. */
const body = (text: string, setting?: Setting) => xlatedText(text, setting).slice(1);
const hasBody = (text: string, expected: string, setting?: Setting) =>
  expect(body(text, setting)).toEqual(lines(expected));

const DIVISION = (division: string) => `
      r6 = data[0] ll
      r7 = *(u64 *)(r6 + 8)
      r6 = *(u64 *)(r6 + 0)
      ${division}
      r0 = 0
      exit`;
const divided = (division: string, kernel = linux6_12) => body(DIVISION(division), { kernel }).slice(3, -2);

test("x / 0 is 0", () => {
  expect(divided("r6 /= r7")).toEqual(["if r7 != 0 goto L1", "w6 ^= w6", "goto L2", "L1:", "r6 /= r7", "L2:"]);
});

test("x % 0 is x, cut to 32 bits where the operation is", () => {
  expect(divided("r6 %= r7")).toEqual(["if r7 == 0 goto L1", "r6 %= r7", "L1:"]);
  expect(divided("w6 %= w7")).toEqual(["if w7 == 0 goto L1", "w6 %= w7", "goto L2", "L1:", "w6 = w6", "L2:"]);
});

test("5.10 cuts the divisor, 4.10 leaves it to the JIT, and constants need no guard", () => {
  expect(divided("w6 /= w7", linux5_10)).toEqual([
    "w7 = w7",
    "if r7 != 0 goto L1",
    "w6 ^= w6",
    "goto L2",
    "L1:",
    "w6 /= w7",
    "L2:",
  ]);
  expect(divided("w6 /= w7", linux4_10)).toEqual(["w6 /= w7"]);
  expect(divided("r6 /= 3")).toEqual(["r6 /= 3"]);
});

test("the smallest number s/ -1 must not trap", () => {
  expect(divided("r6 s/= -1")).toEqual(["r6 = -r6"]);
  expect(divided("r6 s%= -1")).toEqual(["w6 = 0"]);
  expect(divided("r6 s/= r7")).toEqual([
    "r11 = r7",
    "r11 += 1",
    "if r11 > 1 goto L2",
    "if r11 == 0 goto L1",
    "r6 = 0",
    "L1:",
    "r6 = -r6",
    "goto L3",
    "L2:",
    "r6 s/= r7",
    "L3:",
  ]);
});

test("the scratch register is r12 from 7.2 on", () => {
  expect(divided("r6 s/= r7", linux7_2)[0]).toBe("r12 = r7");
});

const LOOKUP = (map: string) => `
      *(u32 *)(r10 - 4) = 1
      r2 = r10
      r2 += -4
      r1 = ${map} ll
      call bpf_map_lookup_elem
      r0 = 0
      exit`;
const looked = (map: string, kernel = linux6_12) => body(LOOKUP(map), { kernel }).slice(4, -2);

test("an array lookup is a bound check and a product", () => {
  expect(looked("array")).toEqual(
    lines(`
      r1 += 264
      r0 = *(u32 *)(r2 + 0)
      if r0 >= 4 goto L1
      r0 <<= 3
      r0 += r1
      goto L2
    L1:
      r0 = 0
    L2:`),
  );
  // elements are a multiple of 8 bytes
  expect(looked("wide")).toContain("r0 *= 24");
});

test("a hash lookup finds the element, the value lies behind the key", () => {
  expect(looked("hash")).toEqual(["call __htab_map_lookup_elem", "if r0 == 0 goto L1", "r0 += 56", "L1:"]);
});

test("per-CPU lookups are in place from 6.10 on", () => {
  expect(looked("percpu_array")).toEqual(
    lines(`
      r1 += 264
      r0 = *(u32 *)(r2 + 0)
      if r0 >= 4 goto L1
      r0 <<= 3
      r0 += r1
      r0 = *(u64 *)(r0 + 0)
      r0 = &(void __percpu *)(r0)
      goto L2
    L1:
      r0 = 0
    L2:`),
  );
  expect(looked("percpu_hash", linux6_1)).toEqual(["call htab_percpu_map_lookup_elem"]);
});

test("an update calls the map's own function, unless maps differ by path", () => {
  const update = (prepare: string) => `
      r7 = data[0] ll
      r7 = *(u64 *)(r7 + 0)
      *(u32 *)(r10 - 4) = 1
      *(u64 *)(r10 - 16) = 1
      r1 = array ll
      ${prepare}
      r2 = r10
      r2 += -4
      r3 = r10
      r3 += -16
      r4 = 0
      call bpf_map_update_elem
      exit`;
  expect(body(update(""))).toContain("call array_map_update_elem");
  expect(body(update("if r7 == 0 goto +2\n r1 = hash ll"))).toContain("call bpf_map_update_elem");
});

test("jiffies are loaded", () => {
  hasBody("call bpf_jiffies64\n exit", "r0 = 0 ll\n r0 = *(u64 *)(r0 + 0)\n exit");
  expect(xlate("call bpf_jiffies64\n exit").symbolRefs).toEqual([{ insn: 0, symbol: "jiffies", addend: 0 }]);
});

test("the CPU's number is a per-CPU variable, by era", () => {
  const text = "call bpf_get_smp_processor_id\n exit";
  hasBody(text, "call bpf_get_smp_processor_id\n exit", { kernel: linux6_1 });
  hasBody(text, "w0 = 0\n r0 = &(void __percpu *)(r0)\n r0 = *(u32 *)(r0 + 0)\n exit");
  hasBody(text, "r0 = 0\n r0 = &(void __percpu *)(r0)\n r0 = *(u32 *)(r0 + 0)\n exit", { kernel: linux6_18 });
  expect(xlate(text).symbolRefs).toEqual([{ insn: 0, symbol: "pcpu_hot", addend: 12 }]);
  expect(xlate(text, { kernel: linux6_18 }).symbolRefs).toEqual([{ insn: 0, symbol: "cpu_number", addend: 0 }]);
});

test("LD_ABS and LD_IND call a helper and leave when it fails", () => {
  const text = "r6 = r1\n r7 = 3\n r0 = *(u16 *)skb[r7 + 2]\n exit";
  hasBody(
    text,
    `
      r6 = r1
      r7 = 3
      r2 = r7
      r2 += 2
      r1 = r6
      call bpf_skb_load_helper_16_no_cache
      if r0 s>= 0 goto L1
      w0 ^= w0
      exit
    L1:
      exit`,
  );
});

test("may_goto counts down a slot of its own, or asks the clock", () => {
  const text = `
      r0 = 0
    again:
      may_goto out
      r0 += 1
      goto again
    out:
      exit`;
  const counted = xlate(text);
  expect(counted.functions[0].stackDepth).toBe(8);
  hasBody(
    text,
    `
      *(u64 *)(r10 - 8) = 8388608
      r0 = 0
    L1:
      r11 = *(u64 *)(r10 - 8)
      if r11 == 0 goto L2
      r11 -= 1
      *(u64 *)(r10 - 8) = r11
      r0 += 1
      goto L1
    L2:
      exit`,
  );
  const timed = xlate(text, { kernel: linux6_18 });
  expect(timed.functions[0].stackDepth).toBe(16);
  expect([...timed.calls.values()]).toEqual(["arch_bpf_timed_may_goto"]);
});

test("bpf_loop with one callback and no flags is a loop, and takes three slots of stack", () => {
  const text = `
    main:
      r1 = 10
      r2 = callback ll
      r3 = 0
      r4 = 0
      call bpf_loop
      r0 = 0
      exit
    callback:
      r0 = 0
      exit`;
  const { functions, insns, calls } = xlate(text);
  expect(functions.map((f) => f.stackDepth)).toEqual([24, 0]);
  expect(calls.size).toBe(0);
  expect(insns.filter((i) => i.code === 0x85).map((i) => i.imm)).toEqual([1]);
  const flagged = xlate(text.replace("r4 = 0", "r4 = data[0] ll\n r4 = *(u64 *)(r4 + 0)"));
  expect([...flagged.calls.values()]).toEqual(["bpf_loop"]);
});

test("spills around a call that spares registers are removed from 6.12 on", () => {
  const text = `
      r1 = 1
      *(u64 *)(r10 - 8) = r1
      call bpf_get_smp_processor_id
      r1 = *(u64 *)(r10 - 8)
      r0 = r1
      exit`;
  expect(xlate(text).functions[0].stackDepth).toBe(0);
  expect(body(text)).not.toContain("*(u64 *)(r10 - 8) = r1");
  expect(xlate(text, { kernel: linux6_1 }).functions[0].stackDepth).toBe(8);
  // someone else reads the slot
  const read = text.replace("r0 = r1", "r0 = *(u64 *)(r10 - 8)");
  expect(body(read)).toContain("*(u64 *)(r10 - 8) = r1");
});

test("bpf_throw brings a callback that no dump shows", () => {
  const text = `
      r6 = data[0] ll
      r6 = *(u64 *)(r6 + 0)
      if r6 == 0 goto out
      r1 = 7
      call kfunc bpf_throw
    out:
      r0 = 0
      exit`;
  const { functions, calls } = xlate(text);
  expect(functions.map((f) => [f.exceptionBoundary ?? false, f.exceptionCallback ?? false, f.insns])).toEqual([
    [true, false, 8],
    [false, true, 2],
  ]);
  expect([...calls.values()]).toEqual(["bpf_throw"]);
});

test("loads through pointers that nobody vouches for may fault", () => {
  const text = `
      call bpf_get_current_task_btf
      r1 = *(u64 *)(r0 + task_struct.files)
      r0 = *(u32 *)(r1 + files_struct.next_fd)
      exit`;
  const probes = (kernel: KernelFeatures) =>
    xlate(text, { kernel }).insns.map(
      (i) => i.code === (BPF_LDX | BPF_DW | BPF_PROBE_MEM) || i.code === (BPF_LDX | BPF_W | BPF_PROBE_MEM),
    );
  // the task is trusted from 6.2 on, what it points to is not
  expect(probes(linux6_1)).toEqual([false, true, true, false]);
  expect(probes(linux6_12)).toEqual([false, false, true, false]);
});

test("a 32-bit compare-and-exchange zero-extends r0 when the upper half is read", () => {
  const text = (after: string) => `
      *(u64 *)(r10 - 8) = 1
      r0 = 1
      r1 = 2
      w0 = cmpxchg32_32(r10 - 8, w0, w1)
      ${after}
      exit`;
  expect(xlate(text("w0 += 1\n r0 = 0")).insns.length).toBe(7);
  expect(xlate(text("r0 += 1\n r0 = 0")).insns.length).toBe(8);
});

test("a tracing program reads its arguments as they are", () => {
  const target = {
    name: "t",
    type: P.PROG_TYPE_SCHED_CLS,
    insns: [],
    relocs: [],
    functions: [{ name: "f", start: 0, nargs: 2 }],
  };
  const attach = { type: "fexit", prog: "t", func: 0 } as const;
  const read = (off: number) => `r2 = *(u64 *)(r1 + ${off})\n r0 = 0\n exit`;
  const setting = { type: P.PROG_TYPE_TRACING, attach, others: [target] };
  hasBody(read(16), read(16), setting);
  expect(() => xlate(read(24), setting)).toThrow("invalid bpf_context access off=24 size=8");
});
