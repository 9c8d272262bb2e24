import { expect, test } from "vitest";
import { FLOW_CALL, FLOW_RET, type Image, STACK_PUSH, STACK_UP } from "../../../bpf/image.ts";
import { STEP_WORDS } from "../../../emulator/engine.ts";
import { RETURN_TO_KERNEL } from "../../../emulator/layout.ts";
import { disassembleAt } from "../../../src/import/x86/disassemble.ts";
import { Bench, type Planted, without } from "./rig.ts";

/** Every function has registers to save, stack, and a call in it; values differ everywhere, so that no luck helps. */
const MAIN = `
  main:
    r6 = r1
    r7 = 5
    *(u64 *)(r10 - 8) = r7
    call sub
    r7 += r0
    r0 = *(u64 *)(r10 - 8)
    r7 += r0
    r1 = r6
    r2 = jmp ll
    r3 = 0
    call bpf_tail_call
    r0 = r7
    exit
  sub:
    r6 = 77
    r9 = 78
    *(u64 *)(r10 - 16) = r9
    r2 = jmp ll
    r3 = 1
    call bpf_tail_call
    r0 = *(u64 *)(r10 - 16)
    r0 += r6
    r0 += r9
    exit`;
const CALLEE = "r6 = 7\nr7 = r1\nr0 = r6\n*(u64 *)(r10 - 8) = r0\nexit";
const SLOTS = [[], [0], [1], [0, 1]];

type Profile = NonNullable<Planted["profile"]>;

/** One run for each way to fill the slots: what it came to, and which instructions it executed. */
function runs(profile: Profile, patch: Planted["patch"], executed?: Set<bigint>): string[] {
  return SLOTS.map((slots) => {
    const bench = new Bench({ profile, patch, tailCallLimit: 33, budget: 10_000 });
    const [main] = bench.load(MAIN);
    bench.load(CALLEE, "callee");
    for (const slot of slots) bench.slot(slot, "callee");
    const { r0, tailCalls, findings } = bench.enter(main);
    if (executed) {
      bench.machine.prepare({ entry: main.entry, context: 0n });
      const steps = (records: BigUint64Array, count: number) => {
        for (let i = 0; i < count; i++) executed.add(records[i * STEP_WORDS]);
      };
      bench.machine.engine.run({ until: RETURN_TO_KERNEL, budget: 10_000, trace: { steps, accesses() {} } });
    }
    bench.machine.close();
    return findings.length ? findings.map(({ check }) => check).join() : `r0 ${r0}, ${tailCalls} tail calls`;
  });
}

/** sub rsp, imm32 and mov rbp, rsp: the rest of the frame's code is flagged. */
const BUILDS_FRAME = /^(4881ec|4889e5)/;

test.each<Profile>(["linux-6.1+mitoff", "linux-6.12+zen2", "linux-7.2"])(
  "on %s no instruction that builds a frame, gives it back, calls or returns can be left out unnoticed",
  (profile) => {
    const executed = new Set<bigint>();
    const images: Image[] = [];
    const collect = (image: Image) => {
      if (images.length < 3) images.push(image);
      return undefined;
    };
    const whole = runs(profile, collect, executed);
    expect(whole).toEqual(["r0 243, 0 tail calls", "r0 7, 1 tail calls", "r0 17, 1 tail calls", "r0 7, 2 tail calls"]);
    let tried = 0;
    const unnoticed = images.flatMap((image) =>
      image.starts.flatMap((start, i) => {
        const hex = Buffer.from(image.bytes.subarray(start, image.starts[i + 1])).toString("hex");
        const framing = image.flags[i] & (STACK_PUSH | STACK_UP | FLOW_RET | FLOW_CALL) || BUILDS_FRAME.test(hex);
        if (!framing || !executed.has(image.address + BigInt(start))) return [];
        tried++;
        const patch = (one: Image) => (one.name === image.name ? without(one, i) : undefined);
        const same = runs(profile, patch).join() === whole.join();
        return same ? [`${image.name}+${start} ${disassembleAt(image.bytes, image.address, start)}`] : [];
      }),
    );
    expect(unnoticed).toEqual([]);
    expect(tried).toBeGreaterThan(30);
  },
);
