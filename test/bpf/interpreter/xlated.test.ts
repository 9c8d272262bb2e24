import { describe, expect, test } from "vitest";
import { assemble } from "../../../bpf/asm/assemble.ts";
import { Interpreter } from "../../../bpf/interpreter/interpreter.ts";
import { linkProgram, linkXlated } from "../../../bpf/interpreter/link.ts";
import type { HelperTable } from "../../../bpf/interpreter/runnable.ts";
import { FlatMemory } from "../../../bpf/memory.ts";
import type { Xlated } from "../../../bpf/xlated.ts";
import { faultOf, r0, run } from "./machine.ts";

const addresses = {
  map: (name: string) => (name === "jmp_table" ? 0xff11000000001000n : 0xff11000000002000n),
  value: () => 0xff11000000002108n,
  symbol: () => 0xffffffff82345678n,
  field: () => 16,
};

describe("linking", () => {
  test("a program as loaded: maps, values, members and kernel functions", () => {
    const text =
      "r6 = jmp_table ll\nr0 = counter[0] + 8 ll\nr0 -= r6\nr1 = *(u64 *)(r1 + task_struct.pid)\ncall kfunc bpf_throw\nexit";
    const assembly = assemble(text, { maps: ["jmp_table", "counter"] });
    const linked = linkProgram({ name: "p", type: 3, ...assembly }, addresses);
    expect(linked.insns[0].imm).toBe(0x1000);
    expect(linked.insns[1].imm).toBe(0xff110000 | 0);
    expect(linked.insns[2].imm).toBe(0x2110);
    expect(linked.insns[5].off).toBe(16);
    expect(linked.calls).toEqual(new Map([[6, "bpf_throw"]]));
    expect(assembly.insns[0].imm).toBe(0); // the program itself is left alone
  });

  test("a program as the verifier hands it on: callees are indexes, addresses are of symbols", () => {
    const { insns } = assemble(`
      r6 = 0 ll
      w7 = 0
      call pc+1
      call 0
      exit
      tail_call poke[0]
      r0 = r6
      exit`);
    const xlated: Xlated = {
      insns,
      origin: new Int32Array(insns.length),
      functions: [
        { name: "main", start: 0, insns: 6, stackDepth: 0, hasTailCall: false, tailCallReachable: true },
        { name: "sub", start: 6, insns: 3, stackDepth: 0, hasTailCall: true, tailCallReachable: true },
      ],
      mapRefs: [{ insn: 0, map: "counter", kind: "value", off: 0 }],
      calls: new Map([[4, "bpf_get_numa_node_id"]]),
      pokes: [{ insn: 6, map: "jmp_table", key: 0 }],
      symbolRefs: [{ insn: 2, symbol: "pcpu_hot", addend: 4 }],
    };
    const linked = linkXlated(xlated, addresses);
    expect(linked.insns[2].imm).toBe(0x8234567c | 0);
    const helpers: HelperTable = { call: (name) => (name === "bpf_get_numa_node_id" ? 3n : 0n) };
    const outcome = new Interpreter({ memory: new FlatMemory(), helpers }).run(linked);
    expect(outcome).toMatchObject({ kind: "exit", r0: 3n });
  });

  test("what a program wants but nobody gives is an error", () => {
    const { map, value } = addresses;
    const program = { name: "p", type: 3, ...assemble("r1 = *(u64 *)(r1 + a.b)\nexit") };
    expect(() => linkProgram(program, { map, value })).toThrow(
      "the program wants offsets of members, which were not given",
    );
  });
});

describe("what only the verifier writes", () => {
  test("a per-CPU address is relative to this_cpu_off", () => {
    expect(r0("r0 = 0x100 | r0 = &(void __percpu *)(r0) | exit", { percpuOffset: 0x4000n })).toBe(0x4100n);
  });

  test("a load that may fault loads 0 where it does", () => {
    expect(r0("r0 = -1 | r1 = 0 | r0 = probe *(u64 *)(r1 + 8) | exit")).toBe(0n);
    expect(r0("r0 = -1 | r1 = 0 | r0 = probe *(s32 *)(r1 + 8) | exit")).toBe(0n);
    expect(r0("r0 = probe *(s8 *)(r1 + 0) | exit", { context: Uint8Array.of(0x80) })).toBe(0xffffffffffffff80n);
  });

  test("arena accesses take 32 bits of a pointer; loads that fault load 0, stores that fault do nothing", () => {
    const memory = new FlatMemory();
    const bytes = memory.map(0xffffc91000000000n, 4096);
    const arena = { kernel: 0xffffc91000000000n, user: 0x7f0100000000n };
    const text = `r1 = 0x7f0100000010 ll | arena *(u32 *)(r1 + 4) = 7 | r2 = 5 | r2 = arena atomic_fetch_add((u64 *)(r1 + 0), r2)
      arena lock *(u32 *)(r1 + 4) += w2 | r0 = arena *(u64 *)(r1 + 0) | r3 = 0x10000 | arena *(u64 *)(r3 + 0) = r2
      r4 = arena *(u32 *)(r3 + 0) | r0 += r4 | exit`;
    expect(r0(text, { memory, arena })).toBe((7n << 32n) + 5n);
    expect(bytes[0x10]).toBe(5);
    expect(r0("r0 = 0x7f0100000010 ll | r0 = addr_space_cast(r0, 0, 1) | exit", { arena })).toBe(0x10n);
    expect(r0("r0 = 0x10 | r0 = addr_space_cast(r0, 1, 0) | exit", { arena })).toBe(0x7f0100000010n);
    expect(r0("r0 = 0 | r0 = addr_space_cast(r0, 1, 0) | exit", { arena })).toBe(0n);
    expect(faultOf("r0 = arena *(u64 *)(r1 + 0) | exit")).toBe("memory: an access to an arena, and there is none @0");
  });

  test("r11, zero extensions, barriers and tail calls", () => {
    expect(r0("r11 = 0x1234 | r11 ^= 0x34 | w11 = zext w11 | nospec | r0 = r11 | exit")).toBe(0x1200n);
    const target = { insns: assemble("r0 = 9\nexit").insns };
    expect(run("r2 = 1 | r3 = 0 | tail_call | exit", { lookupProgram: () => target })).toMatchObject({
      r0: 9n,
      tailCalls: 1,
    });
  });
});
