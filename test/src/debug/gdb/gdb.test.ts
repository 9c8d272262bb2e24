import { readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { findScenarios } from "../../../../src/scenario/find.ts";
import { program } from "../../runner/trace/tracing.ts";
import { runGdb, type Waiting, waiting } from "./gdb.ts";

const open: Waiting[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

async function started(...args: Parameters<typeof waiting>): Promise<Waiting> {
  const one = await waiting(...args);
  open.push(one);
  return one;
}

const twoCalls = readFileSync(findScenarios(["hierarchy/two-calls"])[0].file, "utf8");

describe("the hierarchy", () => {
  test("from the tail call too many back to where the count was lost, as docs/debugging.md has it", async () => {
    const docs = readFileSync(new URL("../../../../docs/debugging.md", import.meta.url), "utf8");
    const session = docs.match(/^```gdb\n(.*?)^```$/ms)![1];
    const commands = session.match(/(?<=^\(gdb\) ).*$/gm)!;
    const { gdb, server } = await started(twoCalls, "linux-6.1", 16, "two-calls");
    const said = await gdb(...commands.flatMap((line) => [`echo (gdb) ${line}\\n`, line]));
    expect(said.slice(said.indexOf("(gdb)")).replace(/\[Inferior 1 .* detached\]\n$/, "")).toBe(session);
    await server.over;
  });

  test("going back over a call that a tail call has left stops where it was entered", async () => {
    const { gdb } = await started(twoCalls, "linux-6.12");
    const said = await gdb(
      "goto tail call 30",
      "finish",
      "reverse-next",
      "reverse-stepi",
      "goto tail call 20",
      "reverse-finish",
    );
    expect(said.match(/^\d+\t.*?(?= +;|$)/gm)).toEqual([
      "4\tentry:",
      "4\tentry:",
      "12\t     8: r1 = r6",
      "18\tentry#subprog_tail:",
      "11\t     7: call subprog_tail",
      "4\tentry:", // by tail call 20
      "18\tentry#subprog_tail:",
    ]);
  });

  test("breakpoints, stepping and frames are those of the BPF listing", async () => {
    const { gdb } = await started(twoCalls, "linux-6.1");
    const said = await gdb(
      "break subprog_tail",
      "continue",
      "backtrace",
      "next",
      "next",
      "next",
      "print counter",
      "print/x r1 == $rdi",
      "monitor where",
      "delete",
      "continue",
      "reverse-continue",
    );
    const shown = said.match(/^(#\d|\d+\t|Breakpoint|\$|No more|state).*$/gm)!.map((line) => line.replace(/ +;.*/, ""));
    expect(shown).toEqual([
      "4\tentry:",
      "Breakpoint 1 at 0xffffffffc000008c: file t.bpf, line 19.",
      "Breakpoint 1, subprog_tail () at t.bpf:19",
      "19\t     0: r2 = jmp_table ll",
      "#0  subprog_tail () at t.bpf:19",
      "#1  0xffffffffc0000035 in entry () at t.bpf:11",
      "#2  0xffffffff80fff000 in kernel ()",
      "20\t     2: r3 = 0",
      "21\t     3: tail_call poke[0]",
      "5\t     0: r6 = r1", // of the entry, behind what only a call passes
      "$1 = {1}",
      "$2 = 0x1",
      "state 31 of 890: run 1 of entry, 31 instructions in, 1 tail call taken; CPU 0, task 1",
      "No more reverse-execution history.",
      "4\tentry:", // the 34th tail call's landing, where the run is ended
      "No more reverse-execution history.",
      "4\tentry:",
    ]);
    expect(said).toContain("run 1 of entry ends here, without a return\ntail-call-limit: tail call 34 of one entry");
  });
});

describe("memory and registers", () => {
  const counting = program(
    `
    r6 = 3
    r1 = counter[0] ll
    r2 = *(u64 *)(r1 + 0)
    r2 += 5
    *(u64 *)(r1 + 0) = r2
    r6 -= 1
    if r6 != 0 goto -5
    r0 = 0
    exit`,
    "maps: { counter: { type: array, value_size: 8, max_entries: 1 } }\n",
  );

  test("watchpoints stop where the value changes, in both directions", async () => {
    const { gdb } = await started(counting, "linux-6.12");
    const said = await gdb("watch counter[0]", "continue", "continue", "reverse-continue", "reverse-continue");
    expect(said.match(/^(Old|New) value = .*$/gm)).toEqual([
      "Old value = 0",
      "New value = 5",
      "Old value = 5",
      "New value = 10",
      // undone one after the other
      "Old value = 10",
      "New value = 5",
      "Old value = 5",
      "New value = 0",
    ]);
  });

  test("what is written decides how the run goes on", async () => {
    const { gdb } = await started(counting, "linux-6.12");
    const said = await gdb(
      "break p",
      "continue",
      "set var counter[0] = 1000",
      "next",
      "set var $rbx = 7",
      "delete",
      "continue",
      "print counter",
      "reverse-continue",
      "print counter",
    );
    expect(said.match(/^\$\d = .*$/gm)).toEqual(["$1 = {1035}", "$2 = {0}"]);
  });
});

test("helpers that call back: breakpoints on them and where callbacks return, frames through them", async () => {
  const callbacks = readFileSync(findScenarios(["callbacks/for-each-element"])[0].file, "utf8");
  const { gdb } = await started(callbacks, "linux-6.12");
  const said = await gdb(
    "tbreak *bpf_for_each_array_elem",
    "continue",
    "tbreak add",
    "continue",
    "backtrace",
    "tbreak *'callback_return'+1",
    "continue",
  );
  expect(said.match(/^(#\d|Temporary breakpoint \d,).*?(?= \(\))/gm)).toEqual([
    "Temporary breakpoint 1, 0xffffffff81000080 in bpf_for_each_array_elem",
    "Temporary breakpoint 2, add",
    "#0  add",
    "#1  0xffffffff81000040 in callback_return",
    "#2  0xffffffffc0000046 in entry",
    "#3  0xffffffff80fff000 in kernel",
    "Temporary breakpoint 3, 0xffffffff81000040 in callback_return",
  ]);
});

describe("threads", () => {
  const two = `title: t
maps: { slots: { type: prog_array, max_entries: 1, values: { 0: entry } } }
programs:
  entry: |
    r2 = slots ll
    r3 = 0
    call bpf_tail_call
    r0 = 1
    exit
  other: "r0 = 2\\nexit"
events: [{ at: tail call 3, switch: other }]
`;

  test("are tasks on their CPUs; gdb fetches the program by itself, and detaches", async () => {
    const { server } = await started(two, "linux-6.12");
    const said = await runGdb([
      ...[
        "-ex",
        `target remote 127.0.0.1:${server.port}`,
        "-ex",
        "break other",
        "-ex",
        "continue",
        "-ex",
        "info threads",
      ],
      ...["-ex", "thread 1", "-ex", "backtrace", "-ex", "print $gs_base != 0", "-ex", "detach"],
    ]);
    expect(said).toMatch(/^\* 2 +Thread 2 "CPU 0, task 2" .* other \(\) at /m);
    expect(said).toMatch(/^ {2}1 +Thread 1 "CPU 0, task 1" .* entry \(\) at /m);
    expect(said).toMatch(/^#0 .* entry \(\) .*\n#1 .* kernel \(\)$/m);
    expect(said).toContain("$1 = 1");
    expect(said).toContain("[Inferior 1 (Remote target) detached]");
    await server.over;
  });

  test("killed is over, too", async () => {
    const { gdb, server } = await started(two, "linux-6.12");
    expect(await gdb("kill")).toContain("[Inferior 1 (Remote target) killed]");
    await server.over;
  });
});
