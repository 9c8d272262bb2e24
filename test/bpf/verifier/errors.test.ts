import fc from "fast-check";
import { expect, test } from "vitest";
import {
  dumpView,
  kernels,
  linux4_10,
  linux5_10,
  linux6_1,
  linux6_12,
  VerifierError,
  verify,
} from "../../../bpf/verifier/index.ts";
import { program, xlate } from "./xlate.ts";

test.each([
  ["a register that was not written", "r0 = r3\n exit", 0, "R3 !read_ok"],
  [
    "a helper of another program type",
    "r0 = 0\n call bpf_xdp_adjust_head\n exit",
    1,
    "program of this type cannot use helper bpf_xdp_adjust_head#44",
  ],
  ["division by a constant 0", "r0 = 1\n r0 /= 0\n exit", 1, "div by zero"],
  ["a shift by the width", "r0 = 1\n r0 <<= 64\n exit", 1, "invalid shift 64"],
  ["stack above the frame", "r0 = 0\n *(u64 *)(r10 + 8) = r0\n exit", 1, "invalid write to stack off=8 size=8"],
  ["a write to the frame pointer", "r0 = 0\n r10 += 8\n exit", 1, "frame pointer is read only"],
  ["a value used as an address", "r1 = 5\n r0 = *(u64 *)(r1 + 0)\n exit", 1, "invalid mem access 'scalar'"],
  [
    "an element that may be missing",
    "*(u32 *)(r10 - 4) = 0\n r2 = r10\n r2 += -4\n r1 = hash ll\n call bpf_map_lookup_elem\n r0 = *(u64 *)(r0 + 0)\n exit",
    6,
    "invalid mem access 'map_value_or_null'",
  ],
  [
    "a value beyond its end",
    "r1 = data[0] ll\n r0 = *(u64 *)(r1 + 64)\n exit",
    2,
    "invalid access to map value, value_size=64 off=64 size=8",
  ],
  [
    "a loop that gets nowhere",
    "r0 = 0\n again:\n r1 = 1\n r2 = 2\n r3 = 3\n if r1 == 1 goto next\n exit\n next:\n if r0 == 0 goto again\n exit",
    4,
    "infinite loop detected at insn 4",
  ],
])("%s is turned down where it happens", (_, text, slot, message) => {
  expect(() => xlate(text)).toThrow(VerifierError);
  expect(() => xlate(text)).toThrow(expect.objectContaining({ slot, message }));
});

test.each([
  ["sign extension", "r0 = 1\n r0 = (s8)r0\n exit", "BPF_MOV uses reserved fields"],
  ["signed division", "r0 = 1\n r0 s/= 2\n exit", "BPF_ALU uses reserved fields"],
  ["bswap", "r0 = 1\n r0 = bswap16 r0\n exit", "unknown opcode d7"],
  ["may_goto", "r0 = 0\n may_goto +0\n exit", "unknown opcode e5"],
])("6.1 does not know %s", (_, text, message) => {
  expect(() => xlate(text, { kernel: linux6_1 })).toThrow(message);
});

const COUNTING = "r1 = 0\n r0 = 0\n again:\n r1 += 1\n if r1 < 100000000 goto again\n exit";

test("a loop that the walk would never finish ends at the limit", () => {
  expect(linux6_12.complexityLimit).toBe(1_000_000);
  const kernel = { ...linux6_12, complexityLimit: 10_000 };
  expect(() => xlate(COUNTING, { kernel })).toThrow("BPF program is too large. Processed 10001 insn");
});

test("a loop that counts to nowhere is followed a few times only", () => {
  const text = "r0 = 0\n again:\n may_goto out\n r0 += 1\n goto again\n out:\n exit";
  expect(() => xlate(text, { kernel: { ...linux6_12, complexityLimit: 50 } })).not.toThrow();
});

test("before 5.3 there are no loops, before 5.12 one atomic operation", () => {
  const loop = "r1 = 9\n r0 = 0\n again:\n r1 -= 1\n if r1 > 0 goto again\n exit";
  expect(() => xlate(loop, { kernel: linux4_10 })).toThrow("back-edge from insn 3 to 2");
  const atomic = (op: string) => `r1 = 1\n *(u64 *)(r10 - 8) = 0\n ${op}\n r0 = 0\n exit`;
  expect(() => xlate(atomic("lock *(u64 *)(r10 - 8) += r1"), { kernel: linux5_10 })).not.toThrow();
  expect(() => xlate(atomic("lock *(u64 *)(r10 - 8) |= r1"), { kernel: linux5_10 })).toThrow(
    "BPF_XADD uses reserved fields",
  );
});

test("before 4.14 there is no jump if less", () => {
  expect(() => xlate(COUNTING, { kernel: linux4_10 })).toThrow("unknown opcode a5");
});

test("no slots are too strange: a result or a VerifierError", () => {
  const insn = fc.record({
    code: fc.integer({ min: 0, max: 255 }),
    dst: fc.integer({ min: 0, max: 15 }),
    src: fc.integer({ min: 0, max: 15 }),
    off: fc.integer({ min: -40, max: 40 }),
    imm: fc.integer({ min: -2147483648, max: 2147483647 }),
  });
  const at = { callImm: () => 1, symbol: () => 0n, mapId: () => 1 };
  fc.assert(
    fc.property(fc.array(insn, { maxLength: 12 }), fc.constantFrom(...Object.values(kernels)), (insns, kernel) => {
      const strange = { ...program("r0 = 0\n exit"), insns: [...insns, ...program("r0 = 0\n exit").insns] };
      try {
        dumpView(verify(strange, [], kernel), at);
      } catch (e) {
        expect(e).toBeInstanceOf(VerifierError);
      }
    }),
    { numRuns: 2000 },
  );
});

test("an empty program is no program", () => {
  expect(() => verify({ ...program("exit"), insns: [] }, [], linux6_12)).toThrow(VerifierError);
});
