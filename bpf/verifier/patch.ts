import * as O from "../opcode.ts";
import { containingSubprog, type Env, type InsnAux, type KInsn, newAux } from "./env.ts";
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

const outOfRange = (distance: number): boolean => distance < -32768 || distance > 32767;

const tooFar = (env: Env, at: number): never => {
  const { origin } = env.aux[at];
  throw new VerifierError(origin, `insn ${origin} cannot be patched due to 16-bit range`);
};

/** What comes in the place of instructions, by slot. */
export type Patches = ReadonlyMap<number, readonly KInsn[]>;

/** The first patch that takes the jump from `from` to `to` out of range, when they are made in order. */
function firstTooFar(patches: Patches, from: number, to: number): number {
  let distance = to - from - 1;
  const back = to <= from;
  for (const [at, patch] of patches) {
    if (back ? at < to || at >= from : at <= from || at >= to) continue;
    distance += back ? 1 - patch.length : patch.length - 1;
    if (outOfRange(distance)) return at;
  }
  return from;
}

/** Where a slot went. Distances to a function that was removed may lead out of the program. */
function target(moved: Int32Array, to: number): number {
  const end = moved.length - 1;
  return to < 0 ? to : to > end ? moved[end] + to - end : moved[to];
}

/**
 * bpf_patch_insn_data() for many instructions, in ascending order of slots. Jumps over a patch are stretched, jumps to one land on its first
 * instruction, jumps out of one are written as if it were the only one, jumps inside are taken as written. What was known about the
 * instruction goes to the patch's last one.
 */
export function patchInsns(env: Env, patches: Patches): void {
  if (patches.size === 0) return;
  const { insns, aux } = env;
  const moved = new Int32Array(insns.length + 1);
  const out: KInsn[] = [];
  const outAux: InsnAux[] = [];
  insns.forEach((insn, i) => {
    moved[i] = out.length;
    const patch = patches.get(i) ?? [insn];
    for (let k = 1; k < patch.length; k++) outAux.push({ ...newAux(aux[i].origin), seen: aux[i].seen });
    outAux.push(aux[i]);
    for (const p of patch) out.push(p === insn ? insn : { ...p });
  });
  moved[insns.length] = out.length;

  let first = insns.length;
  insns.forEach((insn, i) => {
    const patch = patches.get(i) ?? [insn];
    const delta = patch.length - 1;
    for (let k = 0; k <= delta; k++) {
      const at = moved[i] + k;
      const field = distanceField(out[at]);
      if (!field) continue;
      const written = i + k + out[at][field] + 1;
      if (written >= i && written <= i + delta) continue;
      const to = written < i ? written : written - delta;
      out[at][field] = target(moved, to) - at - 1;
      if (field === "off" && outOfRange(out[at].off)) first = Math.min(first, firstTooFar(patches, i, to));
    }
  });
  if (first < insns.length) tooFar(env, first);
  env.insns = out;
  env.aux = outAux;
  for (const s of env.subprogs) s.start = moved[s.start];
}

/** Runs of instructions to take out, ascending and apart. */
export type Runs = readonly { at: number; count: number }[];

/** A distance to what is taken out, as it comes out when the runs are taken out one by one. */
function shortened(runs: Runs, from: number, distance: number): number {
  let gone = 0;
  let here = from;
  for (const { at, count } of runs) {
    const start = at - gone;
    const to = here + distance + 1;
    if (here < start && to >= start + count) distance -= count;
    else if (here >= start + count && to < start + count) distance += count;
    if (here >= start + count) here -= count;
    gone += count;
  }
  return distance;
}

/** verifier_remove_insns() for many runs of instructions; functions that lay in one entirely are gone. */
export function removeInsns(env: Env, runs: Runs): void {
  if (runs.length === 0) return;
  const { insns, subprogs } = env;
  const moved = new Int32Array(insns.length + 1);
  const removed = new Uint8Array(insns.length + 1);
  for (const { at, count } of runs) removed.fill(1, at, at + count);
  let n = 0;
  for (let i = 0; i <= insns.length; i++) {
    moved[i] = n;
    if (!removed[i]) n++;
  }
  insns.forEach((insn, i) => {
    const field = removed[i] ? null : distanceField(insn);
    if (!field) return;
    const to = i + insn[field] + 1;
    insn[field] = removed[to] ? shortened(runs, i, insn[field]) : target(moved, to) - moved[i] - 1;
  });
  env.insns = insns.filter((_, i) => !removed[i]);
  env.aux = env.aux.filter((_, i) => !removed[i]);
  let gone = 0;
  for (const { at, count } of runs) {
    const start = at - gone;
    removeSubprogs(env, start, count);
    for (const s of subprogs) if (s.start > start) s.start = Math.max(start, s.start - count);
    gone += count;
  }
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

/** adjust_jmp_off(): jumps to `target` go `delta` further, except those of the instructions inserted there. Jumps do not leave functions. */
export function moveJumpTarget(env: Env, target: number, delta: number): void {
  const end = env.subprogs[containingSubprog(env, target) + 1].start;
  for (let i = target + delta; i < end; i++) {
    const insn = env.insns[i];
    const field = distanceField(insn);
    if (!field || O.opOf(insn.code) === O.BPF_CALL || insn.code === O.LD_IMM64) continue;
    if (i + 1 + insn[field] !== target) continue;
    insn[field] += delta;
    if (field === "off" && outOfRange(insn.off)) tooFar(env, i);
  }
}
