import { describe, expect, test } from "vitest";
import { r0 } from "./machine.ts";

/** What stands in R0 after `r0 = A; r1 = B; <instruction>`. */
function after(a: bigint, b: bigint, instruction: string): string {
  return `0x${r0(`r0 = ${a} ll | r1 = ${b} ll | ${instruction} | exit`).toString(16)}`;
}

const INT32_MIN = 0x80000000n;
const INT64_MIN = 1n << 63n;
const MINUS_1 = (1n << 64n) - 1n;

describe("RFC 9669 section 4.1, as kernel/bpf/core.c and the verifier have it", () => {
  test.each([
    // 64 bits wrap around, and carries reach the upper half
    [0xffffffffn, 1n, "r0 += r1", "0x100000000"],
    [MINUS_1, 1n, "r0 += r1", "0x0"],
    [0x100000000n, 1n, "r0 -= r1", "0xffffffff"],
    [0n, 1n, "r0 -= r1", "0xffffffffffffffff"],
    [0x123456789abcdef0n, 0xfedcba9876543210n, "r0 *= r1", "0x236d88fe5618cf00"],
    [MINUS_1, MINUS_1, "r0 *= r1", "0x1"],
    [0n, 0n, "r0 = -r0", "0x0"],
    [1n, 0n, "r0 = -r0", "0xffffffffffffffff"],
    [0x100000000n, 0n, "r0 = -r0", "0xffffffff00000000"],
    // immediates are sign-extended to 64 bits
    [0n, 0n, "r0 += -1", "0xffffffffffffffff"],
    [MINUS_1, 0n, "r0 &= -256", "0xffffffffffffff00"],
    [0n, 0n, "r0 |= 0x80000000", "0xffffffff80000000"],
    // a 32-bit operation clears the upper half
    [MINUS_1, 0n, "w0 += 0", "0xffffffff"],
    [MINUS_1, 5n, "w0 = w1", "0x5"],
    [MINUS_1, 0n, "w0 = -1", "0xffffffff"],
    [0x1_00000001n, 0n, "w0 = -w0", "0xffffffff"],
    [0xffffffff_ffffffffn, 0x2n, "w0 *= w1", "0xfffffffe"],
    // division is unsigned; by 0 it gives 0, and the remainder is the dividend
    [MINUS_1, 2n, "r0 /= r1", "0x7fffffffffffffff"],
    [MINUS_1, 10n, "r0 %= r1", "0x5"],
    [0x1234567890n, 0n, "r0 /= r1", "0x0"],
    [0x1234567890n, 0n, "r0 %= r1", "0x1234567890"],
    [0xfffffffff0n, 0x100000000n, "w0 /= w1", "0x0"], // the low half of the divisor is 0
    [0xfffffffff0n, 0x100000000n, "w0 %= w1", "0xfffffff0"],
    [0xfffffff0n, 3n, "w0 /= w1", "0x55555550"],
    [20n, -3n, "r0 /= -3", "0x0"], // an immediate is sign-extended before an unsigned division
    // signed division rounds to 0, the remainder has the dividend's sign; INT_MIN / -1 wraps
    [-7n, 2n, "r0 s/= r1", "0xfffffffffffffffd"],
    [-7n, 2n, "r0 s%= r1", "0xffffffffffffffff"],
    [7n, -2n, "r0 s%= r1", "0x1"],
    [-7n, 0n, "r0 s/= r1", "0x0"],
    [-7n, 0n, "r0 s%= r1", "0xfffffffffffffff9"],
    [INT64_MIN, MINUS_1, "r0 s/= r1", "0x8000000000000000"],
    [INT64_MIN, MINUS_1, "r0 s%= r1", "0x0"],
    [0xfffffff9n, 2n, "w0 s/= w1", "0xfffffffd"],
    [0xfffffff9n, 2n, "w0 s%= w1", "0xffffffff"],
    [INT32_MIN, MINUS_1, "w0 s/= w1", "0x80000000"],
    [INT32_MIN, MINUS_1, "w0 s%= w1", "0x0"],
    [-7n, 0n, "w0 s%= w1", "0xfffffff9"],
    // shift counts are masked to 6 and 5 bits
    [1n, 63n, "r0 <<= r1", "0x8000000000000000"],
    [1n, 64n, "r0 <<= r1", "0x1"],
    [1n, 33n, "w0 <<= w1", "0x2"],
    [INT64_MIN, 63n, "r0 >>= r1", "0x1"],
    [INT64_MIN, 32n, "r0 >>= r1", "0x80000000"],
    [INT64_MIN, 63n, "r0 s>>= r1", "0xffffffffffffffff"],
    [INT64_MIN, 68n, "r0 s>>= r1", "0xf800000000000000"],
    [0x1_80000000n, 31n, "w0 >>= w1", "0x1"],
    [0x1_80000000n, 31n, "w0 s>>= w1", "0xffffffff"],
    // sign-extending moves
    [0n, 0x80n, "r0 = (s8)r1", "0xffffffffffffff80"],
    [0n, 0x17fn, "r0 = (s8)r1", "0x7f"],
    [0n, 0x8000n, "r0 = (s16)r1", "0xffffffffffff8000"],
    [0n, 0x1_80000000n, "r0 = (s32)r1", "0xffffffff80000000"],
    [0n, 0x80n, "w0 = (s8)w1", "0xffffff80"],
    [0n, 0x8000n, "w0 = (s16)w1", "0xffff8000"],
    // byte order, on a little-endian machine
    [0x1122334455667788n, 0n, "r0 = be16 r0", "0x8877"],
    [0x1122334455667788n, 0n, "r0 = be32 r0", "0x88776655"],
    [0x1122334455667788n, 0n, "r0 = be64 r0", "0x8877665544332211"],
    [0x1122334455667788n, 0n, "r0 = le16 r0", "0x7788"],
    [0x1122334455667788n, 0n, "r0 = le32 r0", "0x55667788"],
    [0x1122334455667788n, 0n, "r0 = le64 r0", "0x1122334455667788"],
    [0x1122334455667788n, 0n, "r0 = bswap16 r0", "0x8877"],
    [0x1122334455667788n, 0n, "r0 = bswap32 r0", "0x88776655"],
    [0x1122334455667788n, 0n, "r0 = bswap64 r0", "0x8877665544332211"],
  ])("r0 = %#x, r1 = %#x: %s -> %s", (a, b, instruction, result) => expect(after(a, b, instruction)).toBe(result));
});
