import { describe, expect, test } from "vitest";
import { newKernel } from "../guest.ts";
import { bytesAt, call } from "./call.ts";

const [EINVAL, ERANGE] = [-22n, -34n];
const UNTOUCHED = 0x7777n;

/** What bpf_strtol or bpf_strtoul returns for a text, and the number that it stored. */
function parse(
  helper: "bpf_strtol" | "bpf_strtoul",
  text: string,
  flags = 0n,
  name: "linux-6.1" | "linux-6.12" = "linux-6.12",
) {
  const kernel = newKernel(name);
  const result = kernel.machine.heap.take(8);
  kernel.machine.memory.store(result, 8, UNTOUCHED);
  const consumed = call(kernel, helper, bytesAt(kernel, text), BigInt(text.length), flags, result);
  return [consumed, BigInt.asIntN(64, kernel.machine.memory.load(result, 8))];
}

test.each<[text: string, flags: bigint, consumed: bigint, value: bigint]>([
  ["42", 0n, 2n, 42n],
  ["42abc", 0n, 2n, 42n],
  [" \t\n\v\f\r\xa042", 0n, 9n, 42n],
  ["-42", 0n, 3n, -42n],
  ["-0", 0n, 2n, 0n],
  ["0x1F", 0n, 4n, 31n],
  ["0x1f", 16n, 4n, 31n],
  ["1f", 16n, 2n, 31n],
  ["0xg", 0n, 1n, 0n],
  ["017", 0n, 3n, 15n],
  ["018", 0n, 2n, 1n],
  ["017", 10n, 3n, 17n],
  ["17", 8n, 2n, 15n],
  ["0x10", 10n, 1n, 0n],
  ["5\u00006", 0n, 1n, 5n],
  ["9223372036854775807", 0n, 19n, 9223372036854775807n],
  ["-9223372036854775808", 0n, 20n, -9223372036854775808n],
])("bpf_strtol of %j in base %d", (text, flags, consumed, value) => {
  expect(parse("bpf_strtol", text, flags)).toEqual([consumed, value]);
});

test.each<[what: string, helper: "bpf_strtol" | "bpf_strtoul", text: string, flags: bigint, error: bigint]>([
  ["no text", "bpf_strtol", "", 0n, EINVAL],
  ["no digits", "bpf_strtol", "abc", 0n, EINVAL],
  ["nothing but spaces", "bpf_strtol", "   ", 0n, EINVAL],
  ["a sign alone", "bpf_strtol", "-", 0n, EINVAL],
  ["two signs", "bpf_strtol", "--1", 0n, EINVAL],
  ["a plus", "bpf_strtol", "+1", 0n, EINVAL],
  ["a prefix alone, in base 16", "bpf_strtol", "0xg", 16n, EINVAL],
  ["a base that isn't", "bpf_strtol", "1", 2n, EINVAL],
  ["flags that aren't", "bpf_strtol", "1", 0x20n, EINVAL],
  ["one more than s64 has", "bpf_strtol", "9223372036854775808", 0n, ERANGE],
  ["one less than s64 has", "bpf_strtol", "-9223372036854775809", 0n, ERANGE],
  ["one more than u64 has", "bpf_strtoul", "18446744073709551616", 0n, ERANGE],
  ["a negative number as unsigned", "bpf_strtoul", "-1", 0n, EINVAL],
  ["one that is out of range as well", "bpf_strtoul", "-18446744073709551616", 0n, ERANGE],
])("%s: an error", (_, helper, text, flags, error) => {
  expect(parse(helper, text, flags)[0]).toBe(error);
});

test("bpf_strtoul goes up to 2^64 - 1", () => {
  expect(parse("bpf_strtoul", "18446744073709551615")).toEqual([20n, -1n]);
});

test("63 digits are looked at", () => {
  expect(parse("bpf_strtoul", `${"0".repeat(62)}123`, 10n)).toEqual([63n, 1n]);
});

describe("an error leaves", () => {
  test("0 since 6.12", () => {
    expect(parse("bpf_strtol", "x")).toEqual([EINVAL, 0n]);
    expect(parse("bpf_strtoul", "-1")).toEqual([EINVAL, 0n]);
  });

  test("before, what was there", () => {
    expect(parse("bpf_strtol", "x", 0n, "linux-6.1")).toEqual([EINVAL, UNTOUCHED]);
  });
});

test.each<[format: string, text: string]>([
  ["cpu=%d", "cpu=-1"],
  ["cpu=%u", "cpu=4294967295"],
  ["%lx%%", "ffffffffffffffff%"],
  ["ctx=%p", "ctx=0000000000000000"],
])("bpf_trace_printk returns the length of what it prints: %s", (format, text) => {
  const kernel = newKernel("linux-6.12");
  const at = bytesAt(kernel, `${format}\0`);
  const print = (size: number) => call(kernel, "bpf_trace_printk", at, BigInt(size), -1n & (2n ** 64n - 1n));
  expect(print(format.length + 1)).toBe(BigInt(text.length));
  expect(print(format.length)).toBe(EINVAL);
});
