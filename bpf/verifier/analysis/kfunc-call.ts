import * as P from "../../program.ts";
import type { KInsn } from "../env.ts";
import { kfuncProto } from "../helpers.ts";
import { markPrecise } from "./precision.ts";
import { pointer, type Reg, typeName } from "./reg.ts";
import { clobberCallerSaved, fail, frame, put, type Run, use } from "./run.ts";
import { isConstant } from "./scalar/domain.ts";

/** What the kernel has behind a program's context (get_kern_ctx_btf_id). */
const KERNEL_CONTEXTS: Record<number, string> = {
  [P.PROG_TYPE_SOCKET_FILTER]: "sk_buff",
  [P.PROG_TYPE_SCHED_CLS]: "sk_buff",
  [P.PROG_TYPE_XDP]: "xdp_buff",
};

/** check_kfunc_call(). True: bpf_throw(), the path ends here. */
export function checkKfuncCall(run: Run, insn: KInsn): boolean {
  const name = insn.callee ?? "";
  const proto = kfuncProto(name, run.env.kernel);
  if (!proto) return fail(run, `calling kernel function ${name} is not allowed`);
  for (let r = 1; r <= proto.params; r++) use(run, r);
  const { state } = run;
  if (name === "bpf_throw") {
    run.env.seenException = true;
    return true;
  }
  if (name === "bpf_rcu_read_lock") state.rcuLocks++;
  if (name === "bpf_preempt_disable") state.preemptLocks++;
  if (name === "bpf_rcu_read_unlock" && state.rcuLocks-- === 0)
    fail(run, "unmatched rcu read unlock (kernel function bpf_rcu_read_unlock)");
  if (name === "bpf_preempt_enable" && state.preemptLocks-- === 0)
    fail(run, "unmatched attempt to enable preemption (kernel function bpf_preempt_enable)");
  const result = castResult(run, name);
  clobberCallerSaved(run);
  if (result) put(run, 0, result);
  run.at++;
  return false;
}

/** bpf_cast_to_kern_ctx(ctx) and bpf_rdonly_cast(any, btf_id) return their first argument as something else. */
function castResult(run: Run, name: string): Reg | null {
  const [arg, id] = [frame(run).regs[1], frame(run).regs[2]];
  const zero = run.S.constant(0n);
  if (name === "bpf_cast_to_kern_ctx") {
    if (arg.type !== "ctx") fail(run, `R1 type=${typeName(arg)} expected=ctx`);
    const struct = KERNEL_CONTEXTS[run.env.program.type] ?? fail(run, "cannot find the kernel's context");
    return pointer("btf", zero, { struct, trust: "trusted" });
  }
  if (name !== "bpf_rdonly_cast") return null;
  if (id.type !== "scalar" || !isConstant(id.value)) fail(run, "R2 must be a known constant");
  markPrecise(id.dep);
  return pointer("btf", zero, { trust: "untrusted" });
}
