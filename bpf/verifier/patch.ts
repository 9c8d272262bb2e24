import * as O from "../opcode.ts";
import { type Env, type KInsn, newAux } from "./env.ts";
import { VerifierError } from "./error.ts";

const isJump = (code: number): boolean => {
  const cls = O.classOf(code);
  return (
    (cls === O.BPF_JMP || cls === O.BPF_JMP32) && O.opOf(code) !== O.BPF_EXIT && code !== (O.BPF_JMP | O.BPF_TAIL_CALL)
  );
};

/** Which field holds the distance of a jump, call or function address; null: none. */
export function distanceField(insn: KInsn): "off" | "imm" | null {
  if ((insn.code & 7) < O.BPF_JMP && insn.code !== O.LD_IMM64) return null;
  if (insn.code === O.LD_IMM64) return insn.src === O.BPF_PSEUDO_FUNC ? "imm" : null;
  if (!isJump(insn.code)) return null;
  if (O.opOf(insn.code) === O.BPF_CALL) return insn.code === O.CALL && insn.src === O.BPF_PSEUDO_CALL ? "imm" : null;
  return insn.code === (O.BPF_JMP32 | O.BPF_JA) ? "imm" : "off";
}

function setDistance(env: Env, at: number, field: "off" | "imm", value: number): void {
  if (field === "off" && (value < -32768 || value > 32767))
    throw new VerifierError(env.aux[at].origin, `insn ${env.aux[at].origin} cannot be patched due to 16-bit range`);
  env.insns[at][field] = value;
}

/**
 * bpf_patch_insn_data(): the instruction at `at` becomes `patch`. Jumps over it are stretched, jumps to it land on the patch's first
 * instruction; jumps inside the patch are taken as written. What was known about the instruction goes to the patch's last one.
 */
export function patchInsn(env: Env, at: number, patch: readonly KInsn[]): void {
  const delta = patch.length - 1;
  const old = env.aux[at];
  env.insns.splice(at, 1, ...patch.map((insn) => ({ ...insn })));
  if (delta === 0) return;
  const added = Array.from({ length: delta }, () => ({ ...newAux(old.origin), seen: old.seen }));
  env.aux.splice(at, 0, ...added);
  for (const s of env.subprogs) if (s.start > at) s.start += delta;
  const end = at + patch.length;
  for (let i = 0; i < env.insns.length; i++) {
    if (i === at) i = end;
    const insn = env.insns[i];
    const field = insn && distanceField(insn);
    if (!field) continue;
    const to = i + insn[field] + 1;
    if (i < at && to > at) setDistance(env, i, field, insn[field] + delta);
    else if (i >= end && to < end) setDistance(env, i, field, insn[field] - delta);
  }
}

/** verifier_remove_insns(): takes `count` instructions out; functions that lay there entirely are gone. */
export function removeInsns(env: Env, at: number, count: number): void {
  const { insns, aux, subprogs } = env;
  insns.splice(at, count);
  aux.splice(at, count);
  insns.forEach((insn, i) => {
    const field = distanceField(insn);
    if (!field) return;
    // the distance is still that of the old positions
    const from = i < at ? i : i + count;
    const to = from + insn[field] + 1;
    if (from < at && to >= at + count) insn[field] -= count;
    else if (from >= at + count && to < at + count) insn[field] += count;
  });
  removeSubprogs(env, at, count);
  for (const s of subprogs) if (s.start > at) s.start = Math.max(at, s.start - count);
}

/** Functions whose first instruction is removed: the last of them stays when its end does. */
function removeSubprogs(env: Env, at: number, count: number): void {
  const { subprogs } = env;
  const total = subprogs.length - 1;
  let first = 0;
  while (first < total && subprogs[first].start < at) first++;
  let stays = first;
  while (stays < total && subprogs[stays].start < at + count) stays++;
  if (subprogs[stays].start !== at + count) stays--;
  if (stays > first) subprogs.splice(first, stays - first);
}

/** adjust_jmp_off(): jumps to `target` go `delta` further, except those of the instructions inserted there. */
export function moveJumpTarget(env: Env, target: number, delta: number): void {
  env.insns.forEach((insn, i) => {
    if (i >= target && i < target + delta) return;
    const field = distanceField(insn);
    if (!field || O.opOf(insn.code) === O.BPF_CALL || insn.code === O.LD_IMM64) return;
    if (i + 1 + insn[field] === target) setDistance(env, i, field, insn[field] + delta);
  });
}
