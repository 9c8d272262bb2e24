import * as O from "../opcode.ts";
import type { Env } from "./env.ts";
import { VerifierError } from "./error.ts";
import { helperProto } from "./helpers.ts";
import { distanceField } from "./patch.ts";

export const isConditional = (code: number): boolean => {
  const cls = O.classOf(code);
  const op = O.opOf(code);
  if (cls === O.BPF_JMP32) return op !== O.BPF_JA;
  return cls === O.BPF_JMP && op !== O.BPF_JA && op !== O.BPF_EXIT && op !== O.BPF_CALL && op !== O.BPF_TAIL_CALL;
};
export const isMayGoto = (code: number): boolean => code === (O.BPF_JMP | O.BPF_JCOND);

/** Slots that may run after the instruction at `i`, calls of functions taken as one step. */
export function successors(env: Pick<Env, "insns">, i: number): number[] {
  const insn = env.insns[i];
  if (insn.code === O.EXIT) return [];
  if (insn.code === O.LD_IMM64) return [i + 2];
  const field = distanceField(insn);
  if (!field || O.opOf(insn.code) === O.BPF_CALL) return [i + 1];
  const to = i + insn[field] + 1;
  return isConditional(insn.code) ? [i + 1, to] : [to];
}

/** A helper call that comes back to itself after each call of the callback. */
function callsBack(env: Env, i: number): boolean {
  const insn = env.insns[i];
  if (insn.code !== O.CALL || insn.src !== O.BPF_HELPER_CALL || !env.kernel.callbackIterations) return false;
  return helperProto(insn.imm, env.program.type)?.args.includes("func") ?? false;
}

const ON_PATH = 1;
const LEFT = 2;

/** check_cfg() before there were loops: no path through a function comes back to itself. */
function checkBackEdges(env: Env, start: number): void {
  const mark = new Uint8Array(env.insns.length);
  const path: { at: number; next: number[] }[] = [];
  const enter = (at: number) => {
    mark[at] = ON_PATH;
    path.push({ at, next: successors(env, at) });
  };
  enter(start);
  while (path.length > 0) {
    const { at, next } = path[path.length - 1];
    const to = next.pop();
    if (to === undefined) {
      mark[at] = LEFT;
      path.pop();
    } else if (mark[to] === ON_PATH) throw new VerifierError(at, `back-edge from insn ${at} to ${to}`);
    else if (!mark[to]) enter(to);
  }
}

/** check_cfg(): every instruction can be reached, nothing jumps into the middle of one. Marks where states are compared. */
export function checkCfg(env: Env): void {
  const { insns, aux } = env;
  const reached = new Uint8Array(insns.length);
  const work = env.subprogs.slice(0, -1).map((s) => s.start);
  for (const s of work) reached[s] = 1;
  for (let i = work.pop(); i !== undefined; i = work.pop()) {
    const next = successors(env, i);
    if (insns[i].code === O.LD_IMM64) reached[i + 1] = 2;
    for (const to of next) {
      if (to < 0 || to >= insns.length) throw new VerifierError(i, `jump out of range from insn ${i} to ${to}`);
      if (!reached[to]) {
        reached[to] = 1;
        work.push(to);
      }
    }
    if (isConditional(insns[i].code)) {
      aux[i].prunePoint = true;
      aux[next[1]].jumpTarget = true;
      aux[next[1]].prunePoint = true;
      if (isMayGoto(insns[i].code)) aux[i].forceCheckpoint = true;
    } else if (insns[i].code !== O.LD_IMM64 && next.length === 1 && next[0] !== i + 1) {
      aux[next[0]].prunePoint = true;
      aux[next[0]].jumpTarget = true;
    } else if (insns[i].code === O.CALL && insns[i].src === O.BPF_PSEUDO_CALL) {
      aux[i + 1].prunePoint = true;
    } else if (callsBack(env, i)) {
      aux[i].prunePoint = true;
      aux[i].forceCheckpoint = true;
    }
  }
  insns.forEach((insn, i) => {
    if (!reached[i]) throw new VerifierError(i, `unreachable insn ${i}`);
    if (insn.code === O.LD_IMM64 && reached[i + 1] !== 2)
      throw new VerifierError(i, `jump into the middle of ldimm64 insn ${i}`);
  });
  if (!env.kernel.boundedLoops) for (const { start } of env.subprogs.slice(0, -1)) checkBackEdges(env, start);
}
