import type { Env, KInsn } from "../env.ts";
import { mov64Reg, R0, R1 } from "../insns.ts";

const CASTS = ["bpf_cast_to_kern_ctx", "bpf_rdonly_cast"];

/** fixup_kfunc_call(): a cast is a move. */
export const inlineCast = ({ kernel }: Env, { callee }: KInsn): KInsn[] | null =>
  callee && CASTS.includes(callee) && kernel.kfuncs.includes(callee) ? [mov64Reg(R0, R1)] : null;
