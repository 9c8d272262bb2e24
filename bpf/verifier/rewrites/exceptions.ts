import { type Env, newAux, newSubprog, subprogCount } from "../env.ts";
import { exit, mov64Reg, R0, R1 } from "../insns.ts";

/** The default exception callback, appended as a function that no dump shows: it returns the cookie (add_hidden_subprog). */
export function appendExceptionCallback(env: Env): void {
  if (!env.seenException || env.exceptionCallback >= 0) return;
  const start = env.insns.length;
  for (const insn of [mov64Reg(R0, R1), exit()]) {
    env.insns.push(insn);
    env.aux.push({ ...newAux(env.aux[start - 1].origin), seen: true });
  }
  env.exceptionCallback = subprogCount(env);
  env.subprogs.splice(env.exceptionCallback, 0, { ...newSubprog("exception_cb", start), isExceptionCallback: true });
  env.subprogs[env.exceptionCallback + 1].start = env.insns.length;
}
