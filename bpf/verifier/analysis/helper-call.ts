import * as O from "../../opcode.ts";
import * as P from "../../program.ts";
import type { KInsn } from "../env.ts";
import { type ArgType, type HelperProto, helperProto, shortName } from "../helpers.ts";
import { pushState } from "./alu.ts";
import { beginCallback } from "./callback.ts";
import { returnFromFunction } from "./function-call.ts";
import { regionArgument } from "./memory.ts";
import { markPrecise } from "./precision.ts";
import { isPacketPointer, isPointer, notInit, pointer, type Reg, scalarReg, typeName } from "./reg.ts";
import { auxAt, clobberCallerSaved, fail, frame, nextId, put, type Run, use } from "./run.ts";
import { isConstant, isZero } from "./scalar/domain.ts";
import { constantKey, stackArgument } from "./stack.ts";
import { copyState, mapRegs } from "./state.ts";

/** What the arguments said (struct bpf_call_arg_meta). */
interface Meta {
  map: P.MapDef | null;
  /** constant key of the lookup, -1n: not known */
  key: bigint;
  callback: number;
  size: number;
  maxSize: bigint;
}

/** Map types that a helper may be called with (check_map_func_compatibility), where that is restricted. */
function checkMapType(run: Run, name: string, map: P.MapDef): void {
  const progArray = map.type === P.MAP_TYPE_PROG_ARRAY;
  if (progArray !== (name === "tail_call")) fail(run, `cannot pass map_type ${map.type} into func ${name}`);
}

function memory(run: Run, ptr: Reg, size: number, write: boolean): void {
  if (size === 0) return;
  if (ptr.type === "stack") stackArgument(run, ptr, size, write ? "write" : "read");
  else regionArgument(run, ptr, size, write);
}

/** check_mem_size_reg(): memory whose size is in the next register. */
function sizedMemory(run: Run, meta: Meta, ptr: Reg, regno: number, kind: ArgType, write: boolean): void {
  const size = use(run, regno);
  if (size.type !== "scalar") fail(run, `R${regno} type=${typeName(size)} expected=scalar`);
  const { smin, umin, umax } = size.value;
  if (smin < 0n) fail(run, `R${regno} min value is negative, either use unsigned or 'var &= const'`);
  if (kind === "size" && umin === 0n) fail(run, `R${regno} invalid zero-sized read: u64=[${umin},${umax}]`);
  if (umax >= 1n << 29n) fail(run, `R${regno} unbounded memory access, use 'var &= const' or 'if (var < const)'`);
  meta.maxSize = umax;
  if (!isPointer(ptr)) {
    if (!isZero(ptr.value) || umax > 0n) fail(run, `R${regno - 1} type=${typeName(ptr)} expected=fp`);
    return;
  }
  markPrecise(size.dep);
  // a size that varies may leave part of the buffer unwritten
  const known = isConstant(size.value);
  memory(run, ptr, Number(umax), write && known);
  if (write && !known && ptr.type === "stack") stackArgument(run, ptr, Number(umax), "partial");
}

function checkArgument(run: Run, meta: Meta, proto: HelperProto, index: number): void {
  const regno = index + 1;
  const kind = proto.args[index];
  const r = use(run, regno);
  const expect = (type: Reg["type"], what: string) => {
    if (r.type !== type || r.maybeNull) fail(run, `R${regno} type=${typeName(r)} expected=${what}`);
  };
  const map = (): P.MapDef => meta.map ?? fail(run, `invalid map_ptr to access map->${kind}`);
  switch (kind) {
    case "any":
    case "size":
    case "size0":
    case "allocsize":
      return;
    case "ctx":
      return expect("ctx", "ctx");
    case "map":
      expect("map_ptr", "map_ptr");
      meta.map = r.map;
      return checkMapType(run, proto.name, r.map!);
    case "key":
      memory(run, r, map().keySize, false);
      if (run.env.kernel.elideNullness && isElidable(map())) meta.key = constantKey(run, r, map().keySize);
      return;
    case "value":
    case "uvalue":
      return memory(run, r, map().valueSize, kind === "uvalue");
    case "mem":
    case "mem?":
    case "wmem":
      if (kind === "mem?" && !isPointer(r) && !isZero(r.value)) fail(run, `R${regno} type=scalar expected=fp`);
      return sizedMemory(run, meta, r, regno + 1, proto.args[index + 1], kind === "wmem");
    case "mem8w":
      return memory(run, r, 8, true);
    case "func":
      expect("func", "func");
      meta.callback = r.subprog;
      return;
    case "stack?":
      if (r.type !== "stack" && !(r.type === "scalar" && isZero(r.value)))
        fail(run, `R${regno} type=${typeName(r)} expected=fp`);
      return;
    case "btf":
      return expect("btf", "ptr_");
    case "ringmem":
      return expect("mem", "ringbuf_mem");
    case "str":
      return expect("map_value", "map_value");
  }
}

const isElidable = (map: P.MapDef): boolean => map.type === P.MAP_TYPE_ARRAY || map.type === P.MAP_TYPE_PERCPU_ARRAY;

/** Helpers whose map, when it is always the same one, shapes the code (record_func_map). */
const RECORDS_MAP = new Set([
  "tail_call",
  "map_lookup_elem",
  "map_update_elem",
  "map_delete_elem",
  "map_push_elem",
  "map_pop_elem",
  "map_peek_elem",
  "for_each_map_elem",
  "redirect_map",
  "map_lookup_percpu_elem",
]);

function recordMap(run: Run, name: string, map: P.MapDef | null): void {
  if (!RECORDS_MAP.has(name)) return;
  const aux = auxAt(run);
  if (!map) fail(run, "kernel subsystem misconfigured verifier");
  if (aux.map === undefined) aux.map = map;
  else if (aux.map !== map) aux.map = "poisoned";
}

/** record_func_key(): the index of a tail call, when all paths bring the same constant. */
function recordKey(run: Run, name: string, map: P.MapDef | null): void {
  if (name !== "tail_call" || !map) return;
  const aux = auxAt(run);
  const r = frame(run).regs[3];
  const { umax } = r.value;
  if (r.type !== "scalar" || !isConstant(r.value) || umax >= BigInt(map.maxEntries)) {
    aux.key = "poisoned";
    return;
  }
  markPrecise(r.dep);
  if (aux.key === undefined) aux.key = umax;
  else if (aux.key !== umax) aux.key = "poisoned";
}

function result(run: Run, proto: HelperProto, meta: Meta): Reg {
  const { S } = run;
  const zero = S.constant(0n);
  switch (proto.ret) {
    case "void":
      return notInit(S.unknown);
    case "map_value?": {
      const elided = proto.name === "map_lookup_elem" && meta.key >= 0n && meta.key < BigInt(meta.map!.maxEntries);
      return pointer("map_value", zero, { map: meta.map, ...(elided ? {} : { maybeNull: true, id: nextId(run) }) });
    }
    case "mem?":
      return pointer("mem", zero, { memSize: meta.size, maybeNull: true, id: nextId(run) });
    case "task":
      return pointer("btf", zero, {
        struct: "task_struct",
        trust: run.env.kernel.trustedPointers ? "trusted" : "none",
      });
    default:
      return scalarReg(refined(run, proto.name, meta));
  }
}

/** do_refine_retval_range() */
function refined(run: Run, name: string, meta: Meta): Reg["value"] {
  const { S } = run;
  if (name === "get_smp_processor_id" && run.env.kernel.cpuIdBounded) {
    const last = BigInt(run.env.kernel.options.nrCpuIds - 1);
    return S.refine(O.BPF_JLE, false, S.unknown, S.constant(last), false).taken[0];
  }
  if (/^probe_read.*_str$|^get_stack$/.test(name)) return S.clampS32(S.unknown, -4095, Number(meta.maxSize));
  return S.unknown;
}

/** update_loop_inline_state(): bpf_loop() with flags 0 and one callback can be inlined. */
function recordLoop(run: Run, callback: number): void {
  const aux = auxAt(run);
  const flags = frame(run).regs[4];
  const zero = flags.type === "scalar" && isZero(flags.value);
  if (zero) markPrecise(flags.dep);
  if (aux.loopCallback === undefined) aux.loopCallback = zero ? callback : null;
  else if (aux.loopCallback !== callback || !zero) aux.loopCallback = null;
}

/** check_helper_call(): sets run.at to where this path goes on. */
export function checkHelperCall(run: Run, insn: KInsn): void {
  const { program } = run.env;
  const proto = helperProto(insn.imm, program.type);
  if (!proto) {
    const name = shortName(insn.imm);
    return fail(
      run,
      name ? `program of this type cannot use helper bpf_${name}#${insn.imm}` : `invalid func unknown#${insn.imm}`,
    );
  }
  const meta: Meta = { map: null, key: -1n, callback: -1, size: 0, maxSize: 0n };
  proto.args.forEach((_, i) => {
    checkArgument(run, meta, proto, i);
  });
  if (proto.args.includes("allocsize")) meta.size = Number(frame(run).regs[2].value.umax);
  if (proto.name === "tail_call" && (run.state.rcuLocks || run.state.preemptLocks))
    fail(
      run,
      `tail_call cannot be used inside bpf_${run.state.rcuLocks ? "rcu_read_lock" : "preempt_disable"}-ed region`,
    );
  recordMap(run, proto.name, meta.map);
  recordKey(run, proto.name, meta.map);
  const { regs } = frame(run);
  if (meta.callback >= 0) {
    if (proto.name === "loop") recordLoop(run, meta.callback);
    if (beginCallback(run, proto.name, meta.callback, meta.map)) return;
  }
  clobberCallerSaved(run, regs);
  regs[0] = result(run, proto, meta);
  if (proto.ret === "void" && proto.name === "tail_call") regs[0] = scalarReg(run.S.unknown);
  if (proto.changesPacket)
    mapRegs(run.state, (r) => (isPacketPointer(r) || r.type === "packet_end" ? scalarReg(run.S.unknown) : r));
  if (proto.name === "tail_call" && run.env.kernel.abnormalReturn && run.state.frames.length > 1) {
    const other = copyState(run.state);
    pushState(run, other, run.at + 1);
    put(run, 0, scalarReg(run.S.unknown));
    return returnFromFunction(run);
  }
  run.at++;
}
