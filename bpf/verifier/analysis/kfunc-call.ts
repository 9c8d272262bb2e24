import type { KInsn } from "../env.ts";
import { kfuncProto } from "../helpers.ts";
import { clobberCallerSaved, fail, type Run, use } from "./run.ts";

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
  clobberCallerSaved(run);
  run.at++;
  return false;
}
