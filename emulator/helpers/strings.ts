import type { Kernel } from "../kernel.ts";
import { EINVAL } from "../maps/map.ts";

const ERANGE = 34n;
/** digits that are looked at: the kernel copies them to a char[64] */
const MAX_DIGITS = 63;

interface Parsed {
  negative: boolean;
  value: bigint;
  consumed: number;
}

/**
 * __bpf_strtoull (kernel/bpf/helpers.c): leading spaces, a sign, then digits in base 8, 10, 16, or 0 for what the prefix says.
 * Undefined: no digits. Values beyond 64 bits are reported as such.
 */
function parse(text: string, base: number): Parsed | undefined {
  let at = 0;
  while (at < text.length && /[\t\n\v\f\r \xa0]/.test(text[at])) at++;
  const negative = text[at] === "-";
  if (negative) at++;
  const end = at + MAX_DIGITS;
  const hex = text[at] === "0" && /[xX]/.test(text[at + 1] ?? "");
  const radix = base || (hex && isDigit(text[at + 2], 16) ? 16 : text[at] === "0" ? 8 : 10);
  if (hex && radix === 16) at += 2;
  const start = at;
  let value = 0n;
  while (at < end && isDigit(text[at], radix))
    value = value * BigInt(radix) + BigInt(Number.parseInt(text[at++], radix));
  return at === start ? undefined : { negative, value, consumed: at };
}

const isDigit = (char: string | undefined, radix: number): boolean =>
  char !== undefined && !Number.isNaN(Number.parseInt(char, radix));

/** bpf_strtol and bpf_strtoul(buf, len, flags, res): flags are the base; returns the bytes consumed. */
export function installStringHelpers(kernel: Kernel): void {
  const { memory } = kernel.machine;
  const convert = (signed: boolean, args: readonly bigint[]): bigint => {
    const [buffer, length, flags, result] = args;
    if (kernel.behaviour.clearedResults) memory.store(result, 8, 0n);
    const base = Number(flags & 0x1fn);
    if (!length || ![0, 8, 10, 16].includes(base) || flags & ~0x1fn) return -EINVAL;
    const bytes = memory.read(buffer, Number(length));
    const end = bytes.indexOf(0);
    const parsed = parse(Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("latin1"), base);
    if (!parsed) return -EINVAL;
    const limit = !signed ? 2n ** 64n - 1n : parsed.negative ? 2n ** 63n : 2n ** 63n - 1n;
    if (parsed.value > limit) return -ERANGE;
    if (parsed.negative && !signed) return -EINVAL;
    memory.store(result, 8, parsed.negative ? -parsed.value : parsed.value);
    return BigInt(parsed.consumed);
  };
  kernel.machine.host.provide("bpf_strtol", ({ args }) => convert(true, args));
  kernel.machine.host.provide("bpf_strtoul", ({ args }) => convert(false, args));
}
