import { expect, test } from "vitest";
import { assemble } from "../../../../bpf/asm/assemble.ts";
import { kernels, verify } from "../../../../bpf/verifier/index.ts";
import { jitedLines } from "../../../../src/runner/code/jited.ts";
import { xlatedLines } from "../../../../src/runner/code/xlated.ts";

const MAPS = [
  { name: "slots", type: 3, keySize: 4, valueSize: 4, maxEntries: 2 },
  { name: "values", type: 2, keySize: 4, valueSize: 16, maxEntries: 1 },
];

function xlated(text: string) {
  const assembly = assemble(text, { maps: MAPS.map(({ name }) => name) });
  return verify({ name: "main", type: 3, ...assembly }, MAPS, kernels["linux-6.12"]);
}

test("xlated: what a dump shows, functions and maps by name", () => {
  const program = xlated(`
    call sub
    r1 = values[0] + 8 ll
    call bpf_get_prandom_u32
    exit
    sub:
    r2 = slots ll
    r3 = 7
    call bpf_tail_call
    r0 = 0
    exit`);
  expect(xlatedLines(program, () => 0n)).toEqual([
    { text: "0: call pc+4" },
    { text: "1: r1 = map[values][0]+8" },
    { text: "3: call bpf_user_rnd_u32", also: "3: call unknown" },
    { text: "4: exit" },
    { text: "5: r2 = map[slots]" },
    { text: "7: r3 = 7" },
    { text: "8: call bpf_tail_call#12", also: "8: call unknown" },
    { text: "9: r0 = 0" },
    { text: "10: exit" },
  ]);
});

test("xlated: an inlined helper shows the per-CPU address that it loads", () => {
  const lines = xlatedLines(xlated("call bpf_get_smp_processor_id\nexit"), (name) =>
    name === "pcpu_hot" ? 0x35000n : 0n,
  );
  expect(lines.map(({ text }) => text)).toEqual([
    "0: w0 = 217100", // pcpu_hot.cpu_number, 12 bytes into it
    "1: r0 = &(void __percpu *)(r0)",
    "2: r0 = *(u32 *)(r0 +0)",
    "3: exit",
  ]);
});

test("jited: functions one below the other, local labels by address, addresses left open for a file", () => {
  const code = (hex: string, address: bigint) => ({ address, bytes: Uint8Array.from(Buffer.from(hex, "hex")) });
  const first = code("7706 50 eb02 7301 90 e8faffffff e8000000f0 c3".replaceAll(" ", ""), 0xffffffffc0000000n);
  const second = code("48be0080080081 88ffff c3".replaceAll(" ", ""), 0xffffffffc0001000n);
  expect(jitedLines([first, second])).toEqual([
    { text: "func #0:" },
    { text: "ja L1" }, // the second lowest target
    { text: "pushq %rax" },
    { text: "jmp L0" },
    { text: "jae L1" },
    { text: "L0: nop" },
    { text: "L1: callq L0" },
    { text: "callq 0xffffffffb0000012", pattern: "callq {{.*}}" },
    { text: "retq" },
    { text: "" },
    { text: "func #1:" },
    { text: "movabsq $0xffff888100088000, %rsi", pattern: "movabsq {{.*}}, %rsi" },
    { text: "retq" },
    { text: "" },
  ]);
});
