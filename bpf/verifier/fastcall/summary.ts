import * as O from "../../opcode.ts";
import type { Env, KInsn } from "../env.ts";
import { helperProto, kfuncProto } from "../helpers.ts";

const CALLER_SAVED = 0x3f;
/** Helpers with allow_fastcall. */
const ALLOW_FASTCALL = ["get_smp_processor_id"];

/** What is known of a call before anything is verified (struct call_summary). */
export interface CallSummary {
  /** bit r: caller-saved register r is neither argument nor result */
  spared: number;
  /** nothing else is touched: the call is inlined, and says that it keeps to this */
  fastcall: boolean;
}

/** get_call_summary(); null: a call of a function of the program, or of one that there is not. */
export function callSummary(env: Env, call: KInsn): CallSummary | null {
  const { kernel, program } = env;
  const always = kernel.fastcall?.without === "inline";
  if (call.src === O.BPF_HELPER_CALL) {
    const proto = helperProto(call.imm, program.type);
    if (!proto) return null;
    const fastcall = ALLOW_FASTCALL.includes(proto.name) && isInlined(env, proto.name);
    return { spared: spared(proto.args.length, proto.ret === "void"), fastcall: always || fastcall };
  }
  if (call.src !== O.BPF_PSEUDO_KFUNC_CALL || kernel.fastcall?.era === "rfc") return null;
  const proto = kfuncProto(call.callee ?? "", kernel);
  if (!proto) return null;
  const fastcall = kernel.fastcall?.kfuncs.includes(call.callee ?? "") ?? false;
  return { spared: spared(proto.params, proto.isVoid), fastcall: always || fastcall };
}

/** verifier_inlines_helper_call(), bpf_jit_inlines_helper_call() */
const isInlined = ({ kernel }: Env, name: string): boolean =>
  kernel.cpuNumber !== null || kernel.jitInlines.includes(name);

const spared = (params: number, isVoid: boolean): number =>
  CALLER_SAVED & ~(((1 << (params + 1)) - 1) & ~(isVoid ? 1 : 0));
