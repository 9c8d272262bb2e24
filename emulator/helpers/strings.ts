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

/**
 * bpf_strtol and bpf_strtoul(buf, len, flags, res): flags are the base; returns the bytes consumed. bpf_trace_printk(fmt, size, ...)
 * returns the length of its text, which goes nowhere.
 */
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
  kernel.machine.host.provide("bpf_trace_printk", ({ args }) => {
    const [format, length, ...values] = args;
    const bytes = memory.read(format, Number(length));
    // bpf_bprintf_prepare(): the text ends with the format's last byte
    if (bytes.at(-1) !== 0) return -EINVAL;
    return BigInt(printed(Buffer.from(bytes.subarray(0, -1)).toString("latin1"), values).length);
  });
}

/** %d %i %u %x %p, with l or ll for 64 bits, as vsnprintf() writes them; %p as the 16 digits of a hash. */
function printed(format: string, values: bigint[]): string {
  const rest = [...values];
  return format.replace(/%(l{0,2})([diuxp%])/g, (_, long: string, kind: string) => {
    if (kind === "%") return "%";
    const value = rest.shift() ?? 0n;
    const bits = long || kind === "p" ? 64 : 32;
    if (kind === "p") return "0".repeat(16);
    if (kind === "d" || kind === "i") return String(BigInt.asIntN(bits, value));
    return BigInt.asUintN(bits, value).toString(kind === "x" ? 16 : 10);
  });
}
