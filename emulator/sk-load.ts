import { FLOW_CALL, FLOW_DIRECT, FLOW_INDIRECT, FLOW_RET, STACK_PUSH, STACK_UP } from "../bpf/image.ts";
import { type KernelCode, type Line, machineCode } from "./machine-code.ts";

/** Stack of a program of 4.10: below 512 bytes for BPF a buffer of 8, then rbx, r13, r14, r15 upwards from here. */
const STACKSIZE = 552;
const BUFFER = STACKSIZE - 32;
const SKF_LL_OFF = -0x200000;

type Width = "word" | "half" | "byte";
const BYTES: Record<Width, number> = { word: 4, half: 2, byte: 1 };

const i32 = (value: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes.toString("hex");
};
const imm64 = (value: bigint): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes.toString("hex");
};

const RET: Line = ["c3", FLOW_RET | STACK_UP];

/** eax = big-endian number of that width at [r10 + rsi], [rbp - BUFFER] or [rax] */
function load(width: Width, from: "packet" | "buffer" | "rax"): Line[] {
  const address = { packet: "04 32", buffer: `85 ${i32(-BUFFER)}`, rax: "00" }[from];
  const rex = from === "packet" ? "41 " : "";
  if (width === "word") return [[`${rex}8b ${address}`], ["0f c8"], RET]; //  mov, bswap %eax
  if (width === "byte") return [[`${rex}0f b6 ${address}`], RET]; //          movzbl
  return [[`${rex}0f b7 ${address}`], ["66 c1 c0 08"], RET]; //               movzwl, rol $8, %ax
}

/** Call a C function for (skb, offset in esi, ...), r9 and r10 kept. */
const callC = (function_: bigint, ...args: Line[]): Line[] => [
  ["48 89 df"], //                                     mov %rbx, %rdi: the skb
  ["41 51", STACK_PUSH], //                            push %r9
  ["41 52", STACK_PUSH], //                            push %r10
  ...args,
  [`48 b8 ${imm64(function_)}`], //                    movabs $function, %rax
  ["ff d0", FLOW_INDIRECT | FLOW_CALL | STACK_PUSH], // call *%rax
  ["48 85 c0"], //                                     test %rax, %rax
  ["41 5a", STACK_UP],
  ["41 59", STACK_UP],
];

/** The packet's first r9d bytes are in one piece at r10; what lies behind them is copied, or the program ends with 0. */
const positive = (width: Width, skbCopyBits: bigint): Line[] => [
  ["44 89 c8"], //                                     mov %r9d, %eax
  ["29 f0"], //                                        sub %esi, %eax
  [`83 f8 ${(BYTES[width] - 1).toString(16).padStart(2, "0")}`], // cmp $bytes - 1, %eax
  ["7e", FLOW_DIRECT, "slow"], //                      jle
  ...load(width, "packet"),
  ["", 0, "slow:"],
  ...callC(skbCopyBits, [`48 8d 95 ${i32(-BUFFER)}`], [`b9 ${i32(BYTES[width])}`]), // lea buffer, %rdx; mov $bytes, %ecx
  ["75", FLOW_DIRECT, "error"], //                     jne
  ...load(width, "buffer"),
];

/** Offsets that start at a header: another function knows the address. */
const negative = (width: Width, loadPointer: bigint): Line[] => [
  ...callC(loadPointer, [`ba ${i32(BYTES[width])}`]), // mov $bytes, %edx
  ["74", FLOW_DIRECT, "error"], //                     je
  ...load(width, "rax"),
];

/** Out of the program that called, which returns 0. */
const ERROR: Line[] = [
  ["", 0, "error:"],
  ["31 c0"],
  [`48 8b 9d ${i32(-STACKSIZE)}`], //     %rbx
  [`4c 8b ad ${i32(-STACKSIZE + 8)}`], // %r13
  [`4c 8b b5 ${i32(-STACKSIZE + 16)}`], // %r14
  [`4c 8b bd ${i32(-STACKSIZE + 24)}`], // %r15
  ["c9", STACK_UP],
  RET,
];

/**
 * sk_load_word and the like (arch/x86/net/bpf_jit.S up to 4.17): what LD_ABS and LD_IND of a program were. Offset in esi, result
 * in eax. Undefined for another name.
 */
export function skLoadCode(name: string, symbol: (name: string) => bigint): KernelCode | undefined {
  const match = /^sk_load_(word|half|byte)(?:_(positive|negative)_offset)?$/.exec(name);
  if (!match) return undefined;
  const width = match[1] as Width;
  const headers = (): Line[] => negative(width, symbol("bpf_internal_load_pointer_neg_helper"));
  const data = (): Line[] => positive(width, symbol("skb_copy_bits"));
  if (match[2] === "positive") return machineCode(...data(), ...ERROR);
  if (match[2] === "negative") return machineCode(...headers(), ...ERROR);
  return machineCode(
    ["85 f6"], //                          test %esi, %esi
    ["78", FLOW_DIRECT, "negative"], //    js
    ...data(),
    ["", 0, "negative:"],
    [`81 fe ${i32(SKF_LL_OFF)}`], //       cmp $SKF_LL_OFF, %esi
    ["7c", FLOW_DIRECT, "error"], //       jl
    ...headers(),
    ...ERROR,
  );
}
