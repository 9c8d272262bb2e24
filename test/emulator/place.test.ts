import { describe, expect, test } from "vitest";
import { FLOW_DIRECT, POKED, STACK_PUSH } from "../../bpf/image.ts";
import { EVENT_FROM, EVENT_PC, EVENT_REGS, EVENT_TOP, RAX, RCX, RDI, RIP, RSP } from "../../emulator/engine.ts";
import type { Machine } from "../../emulator/machine.ts";
import { enter, type Line, le, newMachine, type Placed, place, RET } from "./guest.ts";

const ENDBR: Line = ["f30f1efa", "endbr64"];
const NOP5: Line = ["0f1f440000", "nop5"];

/** `call target`, `at` being where the call is */
const callFrom = (at: bigint, target: bigint): Line => [`e8 ${le(target - (at + 5n))}`, "call"];

/** What the machine reports of a run: kind, name and offset in the function. */
function watched(machine: Machine, run: () => void): string[] {
  const seen: string[] = [];
  machine.events.observe(({ kind, watched: { name, func }, words, at }) => {
    const pc = words[at + EVENT_PC];
    seen.push(func ? `${kind} ${name}+${pc - func.image.address}` : `${kind} ${name}`);
  });
  run();
  machine.events.observe();
  return seen;
}

/** A main function that calls a subprogram and a helper; the subprogram tail-calls `callee` through rcx. */
function callGraph(machine: Machine) {
  const callee = place(
    machine,
    [ENDBR, NOP5, ["55", "push rbp"], ENDBR, ["b803000000", "mov eax, 3"], ["5d", "pop rbp"], RET],
    {
      name: "callee",
      landing: 10,
      body: 14,
    },
  );
  const sub = place(
    machine,
    [
      ["55", "push rbp"],
      ["4889f9", "mov rcx, rdi"],
      ["ffe1", "jmp rcx"],
    ],
    {
      name: "main#sub",
      body: 1,
      tailCalls: [{ insn: 0, kind: "indirect", start: 1, out: 6 }],
    },
  );
  const address = machine.allocateCode(64);
  const helper = machine.symbol("bpf_get_smp_processor_id");
  machine.host.provide("bpf_get_smp_processor_id", () => 5n);
  const main = place(
    machine,
    [callFrom(address + 64n, sub.entry), callFrom(address + 69n, helper), ["90", "nop"], RET],
    { name: "main", body: 0 },
  );
  expect(main.entry).toBe(address + 64n);
  return { main, sub, callee, helper };
}

describe("what is placed is watched", () => {
  test("entry, body, tail call, landing, kernel functions and return sites, in the order in which they happen", () => {
    const machine = newMachine();
    const { main, callee } = callGraph(machine);
    const landing = callee.image.address + 10n;
    const seen = watched(machine, () =>
      expect(enter(machine, main, { [RDI]: landing })).toMatchObject({ kind: "until" }),
    );
    expect(seen).toEqual([
      "enter main+0",
      "body main+0",
      "enter main#sub+0",
      "body main#sub+1",
      "tail main#sub+1",
      "land callee+10",
      "body callee+14",
      "resume main+5",
      "host bpf_get_smp_processor_id",
      "resume main+10",
    ]);
    expect([machine.tailCalls, machine.engine.regs[RAX]]).toEqual([1, 5n]);
  });

  test("an event has the registers, the return address, and the instruction before", () => {
    const machine = newMachine();
    const { main, sub, callee } = callGraph(machine);
    const events: bigint[][] = [];
    machine.events.observe(({ kind, watched: { name }, words, at }) => {
      if (kind === "enter" && name === "main#sub")
        events.push([
          words[at + EVENT_FROM],
          words[at + EVENT_PC],
          words[at + EVENT_TOP],
          words[at + EVENT_REGS + RDI],
        ]);
    });
    const landing = callee.image.address + 10n;
    enter(machine, main, { [RDI]: landing });
    expect(events).toEqual([[main.line[0], sub.entry, main.line[1], landing]]);
  });

  test("a landing pad that is passed on the way in is no tail call", () => {
    const machine = newMachine();
    const { callee } = callGraph(machine);
    expect(watched(machine, () => enter(machine, callee))).toEqual(["enter callee+0", "body callee+14"]);
    expect(machine.tailCalls).toBe(0);
  });

  test("the first tail call past the limit stops where it would land", () => {
    const machine = newMachine();
    const loop = place(machine, [ENDBR, NOP5, ENDBR, ["ffe7", "jmp rdi"]], { name: "loop", landing: 9, body: 13 });
    machine.tailCallLimit = 33;
    const stop = enter(machine, loop, { [RDI]: loop.line[2] });
    expect([stop.kind, stop.pc, machine.tailCalls]).toEqual(["watch", loop.line[2], 34]);
    expect(machine.engine.icount).toBe(3 + 34 + 33);
    machine.prepare({ entry: loop.entry, context: 0n });
    expect(machine.tailCalls).toBe(0);
  });

  test("a function of a hundred thousand calls needs no more watches than another", () => {
    const machine = newMachine();
    const bytes = new Uint8Array(500_001).fill(0xc3);
    const calls = 100_000;
    for (let i = 0; i < calls; i++) bytes.set([0xe8, ...Buffer.from(le(calls * 5 - (i * 5 + 5)), "hex")], i * 5);
    const image = {
      name: "large",
      address: machine.allocateCode(bytes.length),
      bytes,
      entry: 0,
      body: 0,
      ends: new Int32Array(2),
      starts: Array.from({ length: calls + 1 }, (_, i) => i * 5),
      flags: [...new Array(calls).fill(FLOW_DIRECT | STACK_PUSH | (1 << 6)), 4 | 16],
      notes: new Map(),
      tailCalls: [],
      pokes: [],
      extable: [],
      epilogue: calls * 5,
      passes: [],
    };
    const large = machine.place(image);
    expect(watched(machine, () => expect(enter(machine, large, {}, 1e6).kind).toBe("until")).length).toBe(calls + 2);
  });
});

describe("control arrives only where it may", () => {
  /** Stops of a jump or call to `offset` of a function, by way of rdi. */
  function arriving(how: "jmp rdi" | "call rdi", offset: bigint, options = {}) {
    const machine = newMachine("linux-6.12", options);
    const target = place(machine, [ENDBR, NOP5, ENDBR, ["b803000000", "mov eax, 3"], RET], { landing: 9, body: 13 });
    const from = place(machine, [[how === "jmp rdi" ? "ffe7" : "ffd7", how], RET]);
    const to = target.image.address + offset;
    return { stop: enter(machine, from, { [RDI]: to }), to, from: from.line[0] };
  }

  test("at a function's entry and at its landing pad", () => {
    for (const offset of [0n, 9n]) {
      expect(arriving("call rdi", offset).stop.kind).toBe("until");
      expect(arriving("jmp rdi", offset).stop.kind).toBe("until");
    }
  });

  test.each([
    ["past the endbr64 of the entry", 4n],
    ["inside the endbr64", 1n],
    ["past the landing pad", 13n],
    ["inside an instruction", 14n],
    ["at an instruction that nothing jumps to", 18n],
  ])("not %s", (_, offset) => {
    const { stop, to, from } = arriving("jmp rdi", offset);
    expect(stop).toEqual({ kind: "landing", pc: to, from });
  });

  test("where IBT is on, an indirect branch must find an endbr64; a direct one needs none", () => {
    const machine = newMachine("linux-6.12", { ibt: true });
    const plain = place(machine, [["90", "nop"], ["90", "nop"], RET], { landing: 1, body: 1 });
    const jump = place(machine, [["ffe7", "jmp rdi"]]);
    for (const to of plain.line.slice(0, 2))
      expect(enter(machine, jump, { [RDI]: to })).toEqual({ kind: "landing", pc: to, from: jump.line[0] });
    const at = machine.allocateCode(0);
    const direct = place(machine, [callFrom(at, plain.line[1]), RET]);
    expect(direct.entry).toBe(at);
    expect(enter(machine, direct).kind).toBe("until");
    expect(arriving("jmp rdi", 0n, { ibt: true }).stop.kind).toBe("until");
    expect(arriving("jmp rdi", 9n, { ibt: true }).stop.kind).toBe("until");
  });

  test("a return goes behind a call, and nowhere else", () => {
    const machine = newMachine();
    const code = place(machine, [["57", "push rdi"], RET, ["90", "nop"], RET]);
    expect(enter(machine, code, { [RDI]: code.line[2] })).toEqual({
      kind: "landing",
      pc: code.line[2],
      from: code.line[1],
    });
  });
});

describe("addresses are found again", () => {
  test("function and offset of any byte of it", () => {
    const machine = newMachine();
    const [a, b] = [place(machine, [NOP5, RET], { name: "a" }), place(machine, [NOP5, RET], { name: "b" })];
    expect(machine.functionAt(a.entry)).toEqual({ func: machine.functions[0], offset: 0 });
    expect(machine.functionAt(b.entry + 5n)).toEqual({ func: machine.functions[1], offset: 5 });
    expect(machine.functionAt(a.entry + 6n)).toBeUndefined();
    expect(machine.functionAt(0n)).toBeUndefined();
  });

  test("the call that returns to an address", () => {
    const machine = newMachine();
    const { main, sub } = callGraph(machine);
    expect(machine.callSite(main.line[1])).toBe(main.line[0]);
    expect(machine.callSite(main.line[2])).toBe(main.line[1]);
    expect(machine.callSite(sub.entry + BigInt(sub.image.bytes.length))).toBe(sub.line[2]);
    expect(machine.callSite(machine.task.stackHigh)).toBeUndefined();
  });
});

describe("attach() rewrites a patch site", () => {
  const traced = (machine: Machine): Placed =>
    place(machine, [ENDBR, NOP5, ["b803000000", "mov eax, 3"], RET], { name: "target", patchSite: 4 });

  test("into a call, seen by the next run", () => {
    const machine = newMachine();
    const target = traced(machine);
    const counter = place(machine, [["48ffc1", "inc rcx"], RET], { name: "trampoline" });
    enter(machine, target, { [RCX]: 1n });
    expect(machine.engine.regs[RCX]).toBe(1n);
    const site = target.line[1];
    machine.attach(target, 4, Uint8Array.from(Buffer.from(`e8${le(counter.entry - (site + 5n))}`, "hex")));
    expect(target.attached).toBe(true);
    expect(enter(machine, target, { [RCX]: 1n }).kind).toBe("until");
    expect(machine.engine.regs[RCX]).toBe(2n);
  });

  test("into a jump, whose target may come back behind it", () => {
    const machine = newMachine();
    const target = traced(machine);
    const [site, behind] = [target.line[1], target.line[2]];
    const stub = place(machine, [
      ["48ffc1", "inc rcx"],
      [`48b8${le(behind, 8)}`, "mov rax, behind"],
      ["ffe0", "jmp rax"],
    ]);
    machine.attach(target, 4, Uint8Array.from(Buffer.from(`e9${le(stub.entry - (site + 5n))}`, "hex")));
    expect(enter(machine, target, { [RCX]: 1n }).kind).toBe("until");
    expect([machine.engine.regs[RCX], machine.engine.regs[RAX]]).toEqual([2n, 3n]);
  });
});

test("a poked instruction may become a jump although it was a nop when it was placed", () => {
  const machine = newMachine();
  const callee = place(machine, [["b803000000", "mov eax, 3"], RET], { landing: 0 });
  const code = place(machine, [NOP5, ["b804000000", "mov eax, 4"], RET]);
  code.image.flags[0] |= POKED;
  const poked = machine.place({ ...code.image, address: machine.allocateCode(64) });
  const site = poked.entry;
  expect(enter(machine, poked).kind).toBe("until");
  expect(machine.engine.regs[RAX]).toBe(4n);
  machine.memory.write(site, Uint8Array.from(Buffer.from(`e9${le(callee.entry - (site + 5n))}`, "hex")));
  expect(enter(machine, poked)).toMatchObject({ kind: "until" });
  expect([machine.engine.regs[RAX], machine.tailCalls]).toEqual([3n, 1]);
  expect(machine.engine.regs[RIP]).not.toBe(0n);
  expect(machine.engine.regs[RSP]).toBe(machine.task.stackHigh + 8n);
});
