import { FLOW_CALL, FLOW_DIRECT, FLOW_INDIRECT, FLOW_RET, OWN_STORE, STACK_PUSH, STACK_UP } from "../bpf/image.ts";
import { type KernelCode, machineCode } from "./machine-code.ts";
import { skLoadCode } from "./sk-load.ts";

const REGISTERS = [
  "rax",
  "rcx",
  "rdx",
  "rbx",
  "rsp",
  "rbp",
  "rsi",
  "rdi",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
];

/** arch/x86/lib/retpoline.S, RETPOLINE: a call whose return address is replaced by the register. */
function retpoline(reg: number): KernelCode {
  const modrm = (0x04 | ((reg & 7) << 3)).toString(16).padStart(2, "0");
  return machineCode(
    ["e8 01 00 00 00", FLOW_DIRECT | FLOW_CALL | STACK_PUSH], //     call 1f
    ["cc"], //                                                       int3
    [`${reg > 7 ? "4c" : "48"} 89 ${modrm} 24`, OWN_STORE], //   1: mov %reg, (%rsp)
    ["c3", FLOW_INDIRECT | STACK_UP], //                             ret: a jump to the register
    ["cc"],
  );
}

const plainReturn = (): KernelCode => machineCode(["c3", FLOW_RET | STACK_UP], ["cc"]);

/** call_depth_return_thunk: take one off the depth; refilling the return stack has no effect that a program could see. */
function callDepthReturn(callDepth: bigint): KernelCode {
  const disp = Buffer.alloc(4);
  disp.writeInt32LE(Number(BigInt.asIntN(32, callDepth)));
  return machineCode([`65 48 c1 24 25 ${disp.toString("hex")} 05`], ["c3", FLOW_RET | STACK_UP], ["cc"]);
}

/** FineIBT+BHI: the comparison in front of bpf_func has set ZF unless the hash is wrong, and then nothing may be used. */
const bhiArgs = (): KernelCode =>
  machineCode(["75", FLOW_DIRECT, "wrong"], ["c3", FLOW_RET | STACK_UP], ["", 0, "wrong:"], ["0f 0b"]);

/** clear_bhb_loop: what it does to the branch predictor no program can see; it clobbers eax and ecx. */
const clearBhbLoop = (): KernelCode =>
  machineCode(["b8 05 00 00 00"], ["b9 05 00 00 00"], ["0f ae e8"], ["c3", FLOW_RET | STACK_UP], ["cc"]);

/**
 * Kernel functions that are machine code in the machine, too: thunks that JITed code jumps to, and sk_load_*. Undefined: none of
 * them. `percpu` gives the address of a per-CPU variable, `symbol` of a function that they call.
 */
export function kernelCode(
  name: string,
  percpu: (symbol: string) => bigint | undefined,
  symbol?: (name: string) => bigint,
): KernelCode | undefined {
  const thunk = /^(?:__pi_)?__x86_indirect(?:_its|_jump|_call)?_thunk_(\w+)$/.exec(name);
  if (thunk) {
    const reg = REGISTERS.indexOf(thunk[1]);
    return reg < 0 ? undefined : retpoline(reg);
  }
  if (name === "call_depth_return_thunk") return callDepthReturn(percpu("call_depth") ?? 0n);
  if (/^(__x86_return_thunk|(srso|srso_alias|retbleed|its|zen_untrain)_return_thunk)$/.test(name)) return plainReturn();
  if (/^__bhi_args_[0-9]$/.test(name)) return bhiArgs();
  if (name === "clear_bhb_loop") return clearBhbLoop();
  return symbol && skLoadCode(name, symbol);
}
