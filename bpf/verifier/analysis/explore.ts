import * as O from "../../opcode.ts";
import * as P from "../../program.ts";
import type { Env, KInsn } from "../env.ts";
import { findSubprog } from "../env.ts";
import { distanceField } from "../patch.ts";
import { checkAlu, pushState } from "./alu.ts";
import { checkBranch } from "./branch.ts";
import { checkFunctionCall, returnFromFunction } from "./function-call.ts";
import { checkHelperCall } from "./helper-call.ts";
import { checkKfuncCall } from "./kfunc-call.ts";
import { liveRegisters } from "./liveness.ts";
import { checkAtomic, checkLoad, checkStore } from "./memory.ts";
import { markPrecise } from "./precision.ts";
import { endPath, isVisited } from "./prune.ts";
import { notInit, pointer, type Reg, scalarReg } from "./reg.ts";
import { auxAt, clobberCallerSaved, fail, insnAt, nextId, put, type Run, use } from "./run.ts";
import { isZero } from "./scalar/domain.ts";
import { copyState, type State } from "./state.ts";

/** What a global function may rely on. */
function parameter(run: Run, kind: P.GlobalParameter): Reg {
  const zero = run.S.constant(0n);
  if (kind === "ctx") return pointer("ctx", zero);
  if (kind === "scalar") return scalarReg(run.S.unknown);
  return pointer("mem", zero, { memSize: kind.mem, maybeNull: true, id: nextId(run) });
}

function initialState(run: Run, subprog: number): State {
  const none = notInit(run.S.unknown);
  const zero = run.S.constant(0n);
  const regs: Reg[] = new Array(11).fill(none);
  const params = run.env.globals.get(subprog);
  const { attachTarget, program } = run.env;
  const replaced = program.attach?.type === "freplace" ? attachTarget?.nargs : undefined;
  if (params)
    params.slice(0, 5).forEach((kind, i) => {
      regs[i + 1] = parameter(run, kind);
    });
  else if (replaced === undefined) regs[1] = pointer("ctx", zero);
  else for (let i = 1; i <= replaced; i++) regs[i] = scalarReg(run.S.unknown);
  regs[10] = pointer("stack", zero);
  const main = { subprog, callSite: -1, regs, stack: [], callback: null, callbackDepth: 0 };
  return { frames: [main], parent: null, mayGotoDepth: 0, callbackUnroll: 0, rcuLocks: 0, preemptLocks: 0 };
}

/** check_ld_imm() */
function checkLdImm(run: Run, insn: KInsn): void {
  const { env } = run;
  const zero = run.S.constant(0n);
  env.aux[run.at + 1].seen = true;
  if (insn.mapRef) {
    const { kind, off } = insn.mapRef;
    const map = env.maps.find((m) => m.name === insn.mapRef?.map) ?? fail(run, `no map ${insn.mapRef.map}`);
    if (kind === "map") put(run, insn.dst, pointer("map_ptr", zero, { map }));
    else put(run, insn.dst, pointer("map_value", zero, { map, off }));
  } else if (insn.src === O.BPF_PSEUDO_FUNC) {
    const subprog = findSubprog(env, run.at + insn.imm + 1);
    if (env.program.functions.length === 0) fail(run, "missing btf func_info");
    put(run, insn.dst, pointer("func", zero, { subprog }));
  } else if (insn.src === 0) {
    const value = (BigInt(env.insns[run.at + 1].imm >>> 0) << 32n) | BigInt(insn.imm >>> 0);
    put(run, insn.dst, scalarReg(run.S.constant(value)));
  } else fail(run, "unrecognized bpf_ld_imm64 insn");
  run.at += 2;
}

/** check_ld_abs() */
function checkLdAbs(run: Run, insn: KInsn): void {
  const { type } = run.env.program;
  if (type !== P.PROG_TYPE_SOCKET_FILTER && type !== P.PROG_TYPE_SCHED_CLS)
    fail(run, "BPF_LD_[ABS|IND] instructions not allowed for this program type");
  if (insn.dst || insn.off || O.sizeOf(insn.code) === O.BPF_DW) fail(run, "BPF_LD_[ABS|IND] uses reserved fields");
  if (use(run, 6).type !== "ctx") fail(run, "at the time of BPF_LD_ABS|IND R6 != pointer to skb");
  if (O.modeOf(insn.code) === O.BPF_IND) use(run, insn.src);
  clobberCallerSaved(run);
  put(run, 0, scalarReg(run.S.unknown));
  if (run.env.kernel.abnormalReturn && run.state.frames.length > 1) {
    pushState(run, copyState(run.state), run.at + 1);
    put(run, 0, scalarReg(run.S.constant(0n)));
    return returnFromFunction(run);
  }
  run.at++;
}

/** check_return_code(): tracing programs must return 0. */
function checkResult(run: Run): void {
  const r0 = use(run, 0);
  const { type, attach } = run.env.program;
  if (type !== P.PROG_TYPE_TRACING || (attach?.type !== "fentry" && attach?.type !== "fexit")) return;
  markPrecise(r0.dep);
  if (r0.type !== "scalar" || !isZero(r0.value))
    fail(run, "At program exit the register R0 should have been in [0, 0]");
}

/** EXIT; true when the path ends. */
function checkExit(run: Run, insn: KInsn): boolean {
  if (O.isX(insn.code) || insn.imm || insn.src || insn.dst) fail(run, "BPF_EXIT uses reserved fields");
  if (run.state.frames.length > 1) {
    returnFromFunction(run);
    return false;
  }
  if (run.state.rcuLocks)
    fail(run, "BPF_EXIT instruction in main prog cannot be used inside bpf_rcu_read_lock-ed region");
  if (run.state.preemptLocks)
    fail(run, "BPF_EXIT instruction in main prog cannot be used inside bpf_preempt_disable-ed region");
  if (run.state.frames[0].subprog === 0) checkResult(run);
  else if (use(run, 0).type !== "scalar") fail(run, "At subprogram exit the register R0 is not a scalar value");
  return true;
}

/** One instruction; true when the path ends with it. */
function step(run: Run): boolean {
  const insn = insnAt(run);
  switch (O.classOf(insn.code)) {
    case O.BPF_ALU:
    case O.BPF_ALU64:
      checkAlu(run, insn);
      run.at++;
      return false;
    case O.BPF_LDX:
      checkLoad(run, insn);
      run.at++;
      return false;
    case O.BPF_ST:
      checkStore(run, insn);
      run.at++;
      return false;
    case O.BPF_STX:
      if (O.modeOf(insn.code) === O.BPF_ATOMIC) checkAtomic(run, insn);
      else checkStore(run, insn);
      run.at++;
      return false;
    case O.BPF_LD:
      if (insn.code === O.LD_IMM64) checkLdImm(run, insn);
      else if (O.modeOf(insn.code) === O.BPF_ABS || O.modeOf(insn.code) === O.BPF_IND) checkLdAbs(run, insn);
      else fail(run, "invalid BPF_LD mode");
      return false;
    default:
      return jump(run, insn);
  }
}

function jump(run: Run, insn: KInsn): boolean {
  run.jumps++;
  if (insn.code === O.CALL) {
    if (insn.src === O.BPF_PSEUDO_CALL) checkFunctionCall(run, insn);
    else if (insn.src === O.BPF_PSEUDO_KFUNC_CALL) return checkKfuncCall(run, insn);
    else checkHelperCall(run, insn);
    return false;
  }
  if (insn.code === O.EXIT) return checkExit(run, insn);
  if (O.opOf(insn.code) === O.BPF_JA) {
    const field = distanceField(insn)!;
    if (insn.src || insn.dst || (field === "off" ? insn.imm : insn.off)) fail(run, "BPF_JA uses reserved fields");
    run.at += insn[field] + 1;
  } else checkBranch(run, insn);
  return false;
}

function follow(run: Run): void {
  const { complexityLimit } = run.env.kernel;
  for (;;) {
    if (++run.processed > complexityLimit) fail(run, `BPF program is too large. Processed ${run.processed} insn`);
    const aux = auxAt(run);
    if (!aux) fail(run, `invalid insn idx ${run.at}`);
    if ((aux.prunePoint || aux.forceCheckpoint) && isVisited(run)) return endPath(run);
    aux.seen = true;
    if (step(run)) return endPath(run);
  }
}

/** do_check_main(), do_check_subprogs(): follows all paths of the program and of its global functions and notes in env.aux and env.subprogs what the rewrites need. */
export function explore(env: Env): void {
  const run: Run = {
    env,
    S: env.scalars,
    state: null as unknown as State,
    at: 0,
    pending: [],
    explored: new Map(),
    liveRegs: liveRegisters(env),
    ids: 0,
    processed: 0,
    jumps: 0,
    lastProcessed: 0,
    lastJumps: 0,
  };
  followAll(run, 0);
  for (const subprog of env.globals.keys()) followAll(run, subprog);
}

/** do_check_common() */
function followAll(run: Run, subprog: number): void {
  run.state = initialState(run, subprog);
  run.at = run.env.subprogs[subprog].start;
  for (;;) {
    follow(run);
    const next = run.pending.pop();
    if (!next) return;
    run.state = next.state;
    run.at = next.at;
  }
}
