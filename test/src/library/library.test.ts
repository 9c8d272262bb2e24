import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { assemble, compile, Machine, run, type Source, UserError } from "../../../src/index.ts";
import "../../../src/vitest.ts";

/** The hierarchy: a subprogram that tail-calls its own entry, called twice. */
const hierarchy: Source = {
  maps: {
    jmp_table: { type: "prog_array", max_entries: 1, values: { 0: "entry" } },
    counter: { type: "array", value_size: 8, max_entries: 1 },
  },
  programs: {
    entry: `
      entry:
        r6 = r1
        r1 = counter[0] ll
        r2 = *(u64 *)(r1 + 0)
        r2 += 1
        *(u64 *)(r1 + 0) = r2
        r1 = r6
        call subprog_tail
        r1 = r6
        call subprog_tail
        r0 = 1
        exit
      subprog_tail:
        r2 = jmp_table ll
        r3 = 0
        call bpf_tail_call
        r0 = 0
        exit`,
  },
};

const place = (act: () => unknown) => {
  try {
    act();
  } catch (error) {
    if (error instanceof UserError) return `${error.location()}: ${error.message}`;
    throw error;
  }
  return "no error";
};

describe("assemble", () => {
  test("makes BPF of text: instructions, their bytes, functions", () => {
    const program = assemble("call f\nexit\nf:\nr0 = 7\nexit");
    expect(program.functions).toEqual([
      { name: "entry", start: 0 },
      { name: "f", start: 2 },
    ]);
    expect(Buffer.from(program.bytes.subarray(16, 24)).toString("hex")).toBe("b700000007000000");
  });

  test("names line and column of what is wrong", () => {
    expect(place(() => assemble("r0 = 1\n  r1 = table ll\nexit", { name: "prog" }))).toMatch(/^prog:2:8: .*table/);
  });
});

describe("compile", () => {
  test("gives the bytes that a kernel's JIT writes, with what they are for", () => {
    const { functions, text } = compile("r0 = 1\nexit", "linux-6.1+mitoff");
    expect(functions.map(({ name }) => name)).toEqual(["entry"]);
    expect(Buffer.from(functions[0].bytes).toString("hex")).toBe(
      "0f1f440000" + "6690" + "55" + "4889e5" + "b801000000" + "c9" + "c3" + "cc",
    );
    expect(functions[0].insns.find(({ bpf }) => bpf.length)).toMatchObject({
      offset: 11,
      asm: "movl $0x1, %eax",
      bpf: [{ insn: 0, text: "r0 = 1" }],
    });
    expect(text).toContain("entry on linux-6.1+mitoff");
  });

  test("tells where the verifier refuses a program, in that program's own lines", () => {
    const programs = { programs: { good: "r0 = 0\nexit", bad: "r0 = 0\nr0 = r5\nexit" } };
    expect(place(() => compile(programs))).toMatch(/^bad:2:1: .*the verifier of linux-\S+ refuses/);
  });

  test("refuses a profile that there is not", () => {
    expect(place(() => compile("exit", "linux-6.13"))).toMatch(/unknown profile "linux-6\.13"/);
  });
});

describe("run", () => {
  test("the hierarchy keeps the limit and all contracts on linux-6.12", () => {
    const result = run(hierarchy, "linux-6.12");
    expect(result).toTakeTailCalls(33);
    expect(result).toKeepContracts();
    expect(result).toPreserve("rbx", "rbp", "r12", "r13", "r14", "r15");
    expect(result).not.toPreserve("rax");
    expect([result.r0, result.read("counter", 0)]).toEqual([1n, 34n]);
  });

  test("it breaks the limit on linux-6.1, where each call begins to count anew", () => {
    const result = run(hierarchy, "linux-6.1");
    expect(result).toBreak("tail-call-limit");
    expect(result).not.toKeepContracts();
    expect(result.r0).toBeUndefined();
  });

  test("the stack can be looked at afterwards, at any moment", () => {
    const result = run(hierarchy, "linux-6.12");
    expect(result).toMatchStack(
      "tail call 1",
      `entry:1 | ret | rbp | tcc 1 | tcc_ptr entry:1 | rbx |
       entry:2 | ret | rbp | tcc_ptr entry:1 | tcc_ptr entry:1 | rbx |`,
    );
    expect(result).not.toMatchStack("tail call 1", "entry | ret | rbp |");
    expect(result.stackAt("tail call 34")).toBeUndefined();
    expect(place(() => result.stackAt("at noon"))).toMatch(/^jitproof: at noon is no moment/);
  });

  test("takes a program, with its packet", () => {
    const first =
      "r2 = *(u32 *)(r1 + 76)\nr3 = *(u32 *)(r1 + 80)\nr0 = 0\nr4 = r2\nr4 += 1\nif r4 > r3 goto out\nr0 = *(u8 *)(r2 + 0)\nout:\nexit";
    const program = assemble(first, { name: "first" });
    expect(run(program, undefined, { context: { data: Uint8Array.of(0xab, ...new Array(13).fill(0)) } }).r0).toBe(
      0xabn,
    );
  });
});

describe("a machine", () => {
  let machine: Machine;
  beforeAll(() => {
    machine = new Machine({ ...hierarchy, programs: { ...hierarchy.programs, other: "r0 = 7\nexit" } }, "linux-6.12");
  });
  afterAll(() => machine.close());

  test("keeps its maps from one run to the next, and takes other contents in between", () => {
    const first = machine.run();
    machine.update("counter", 0, 100n);
    machine.update("jmp_table", 0, "other");
    const second = machine.run();
    expect([first.tailCalls, second.tailCalls]).toEqual([33n, 2n]);
    expect([first.read("counter", 0), second.read("counter", 0), machine.read("counter", 0)]).toEqual([
      34n,
      101n,
      101n,
    ]);
    expect(first.read("jmp_table", 0)).toBe("entry");
    expect([first, second].map((each) => each.stackAt("tail call 1")?.match(/^\w+/gm))).toEqual([
      ["entry", "entry"],
      ["entry", "other"],
    ]);
    machine.delete("jmp_table", 0);
    expect(machine.read("jmp_table", 0)).toBeUndefined();
    expect(machine.run()).toTakeTailCalls(0);
    expect(machine.run({ program: "other" }).r0).toBe(7n);
  });

  test("tells what is wrong with an update, and stays as it was", () => {
    expect(place(() => machine.update("counter", 1, 5))).toMatch(/index from 0 to 0/);
    expect(place(() => machine.update("counte", 0, 5))).toMatch(/counter/);
    expect(place(() => machine.update("jmp_table", 0, "no_program"))).toMatch(/no_program/);
    expect(machine.run({ program: "other" }).r0).toBe(7n);
  });
});
