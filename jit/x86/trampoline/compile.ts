import { type Image, POKED, STACK_UP } from "../../../bpf/image.ts";
import { JitError } from "../../error.ts";
import type { X86Profile } from "../../profile.ts";
import {
  BPF_TRAMP_F_CALL_ORIG,
  BPF_TRAMP_F_INDIRECT,
  BPF_TRAMP_F_IP_ARG,
  BPF_TRAMP_F_ORIG_STACK,
  BPF_TRAMP_F_RESTORE_REGS,
  BPF_TRAMP_F_RET_FENTRY_RET,
  BPF_TRAMP_F_SKIP_FRAME,
  BPF_TRAMP_F_TAIL_CALL_CTX,
  type TrampolineInput,
  usesJump,
} from "../../trampoline.ts";
import { Code } from "../code.ts";
import { designOf } from "../designs/index.ts";
import { ADD, opRegImm, SUB } from "../encode/alu.ts";
import { callReg, endbr64, land32, leave, nops, pop, push } from "../encode/control.ts";
import { load, store } from "../encode/memory.ts";
import { movRegReg } from "../encode/move.ts";
import { emitReturn } from "../lower/branch.ts";
import { accountDepth, emitCall } from "../lower/call.ts";
import { CFI_PREAMBLE, cfiPreamble } from "../lower/cfi.ts";
import { loadImm64 } from "../lower/move.ts";
import { PATCH_SIZE } from "../lower/tail-call.ts";
import { RAX, RBP, RBX, RDI, RSP } from "../regs.ts";
import { argumentWords, passStackArguments, restoreArguments, saveArguments } from "./arguments.ts";
import { frameOf, frameSlots } from "./frame.ts";
import { invokeAll, invokeExits, invokeModifyReturn, storeMeta, storeReturned } from "./invoke.ts";
import type { Tramp } from "./tramp.ts";

/** Where the jump of an fmod_ret program arrives is a multiple of this. */
const BRANCH_ALIGNMENT = 16;

/** A trampoline whose size is known: it can be given an address. */
export interface SizedTrampoline {
  readonly bytes: number;
  emit(address: bigint): Image;
}

/**
 * The machine code of a trampoline (__arch_prepare_bpf_trampoline). `symbol` gives addresses of kernel symbols. Throws JitError where the
 * kernel gives up, and for a kernel that has no trampolines.
 */
export function sizeTrampoline(
  input: TrampolineInput,
  profile: X86Profile,
  symbol: (name: string) => bigint,
): SizedTrampoline {
  const t = newTramp(input, profile, symbol);
  t.c.restart(false);
  emit(t);
  const bytes = t.c.pos;
  return {
    bytes,
    emit(address) {
      t.base = address;
      t.sites = { skips: [] };
      t.c.restart(true);
      emit(t);
      return imageOf(t);
    },
  };
}

function newTramp(input: TrampolineInput, profile: X86Profile, symbol: (name: string) => bigint): Tramp {
  const features = profile.trampoline;
  if (!features) throw new JitError(`${input.name}: ${profile.name} has no trampolines`);
  const words = argumentWords(input.name, input.model, profile);
  return {
    c: new Code(),
    profile,
    name: input.name,
    slot: -1,
    base: 0n,
    symbol,
    thunks: new Set(profile.features.callDepth ? profile.features.callThunks.map(symbol) : []),
    input,
    features,
    design: designOf(profile),
    words,
    frame: frameOf(input, words, features),
    jumpedTo: usesJump(input.flags),
    sites: { skips: [] },
  };
}

function emit(t: Tramp): void {
  const { c, input } = t;
  const { flags, links } = input;
  const callsOriginal = (flags & BPF_TRAMP_F_CALL_ORIG) !== 0;
  prologue(t);
  storeMeta(t);
  if (flags & BPF_TRAMP_F_IP_ARG) storeIp(t);
  saveArguments(t);
  if (callsOriginal && t.features.image) callWithImage(t, "__bpf_tramp_enter");
  const sessions = links.fentry.filter(({ session }) => session);
  if (sessions.length) clearSessions(t, sessions.filter(({ session }) => session?.cookie).length);
  invokeAll(t, links.fentry, (flags & BPF_TRAMP_F_RET_FENTRY_RET) !== 0);
  const modified = links.fmodRet.length ? invokeModifyReturn(t) : [];
  if (callsOriginal) callOriginal(t);
  if (modified.length) {
    nops(c, -c.pos & (BRANCH_ALIGNMENT - 1));
    for (const from of modified) land32(c, from);
  }
  if (sessions.length) storeReturned(t);
  invokeExits(t);
  if (flags & BPF_TRAMP_F_RESTORE_REGS) restoreArguments(t);
  epilogue(t);
}

function prologue(t: Tramp): void {
  const { c, features, frame, input, profile } = t;
  if (input.flags & BPF_TRAMP_F_INDIRECT) {
    const { cfi, ibt } = profile.features;
    if (cfi && input.type) cfiPreamble(t, cfi, input.type);
    else if (ibt) endbr64(c);
  } else {
    if (features.endbr && profile.features.ibt) endbr64(c);
    accountDepth(t);
  }
  c.note("the caller's rbp");
  push(c, RBP); // 55
  movRegReg(c, true, RBP, RSP); // 48 89 e5
  opRegImm(c, SUB, true, RSP, frame.size); // 48 83 ec or 48 81 ec
  if (keepsCount(t)) t.design.trampoline?.keep(t);
  c.note("the caller's rbx");
  if (frame.rbx === undefined)
    push(c, RBX); // 53
  else store(c, 8, RBP, -frame.rbx, RBX);
}

const keepsCount = ({ input }: Tramp): boolean => (input.flags & BPF_TRAMP_F_TAIL_CALL_CTX) !== 0;

function storeIp(t: Tramp): void {
  const { c, features, frame, input } = t;
  if (frame.ip === undefined) return;
  c.note("the traced function's address");
  if (features.ip === "known") loadImm64(t, RAX, input.func);
  else {
    load(c, 8, RAX, RBP, 8); // 48 8b 45 08
    opRegImm(c, SUB, true, RAX, PATCH_SIZE); // 48 83 e8 05
  }
  store(c, 8, RBP, -frame.ip, RAX);
}

function callWithImage(t: Tramp, name: string): void {
  t.c.note("struct bpf_tramp_image");
  loadImm64(t, RDI, t.input.image);
  emitCall(t, t.symbol(name));
}

/** fsession programs find 0 as their cookies and as what was returned. */
function clearSessions(t: Tramp, cookies: number): void {
  const clear = (off: number): void => {
    loadImm64(t, RAX, 0n);
    store(t.c, 8, RBP, off, RAX);
  };
  t.c.note("session cookies");
  for (let i = 0; i < cookies; i++) clear(-t.frame.cookies + 8 * i);
  clear(-8);
}

function callOriginal(t: Tramp): void {
  const { c, features, input } = t;
  if (features.image || input.links.fentry.length || input.links.fmodRet.length) restoreArguments(t);
  passStackArguments(t);
  if (keepsCount(t)) t.design.trampoline?.load(t);
  if (input.flags & BPF_TRAMP_F_ORIG_STACK) {
    const register = t.design.origStack ?? features.origStack;
    if (register === undefined) throw new JitError(`${t.name}: ${t.profile.name} knows no ORIG_STACK`);
    c.note("the traced function, where the caller of this one returns to");
    load(c, 8, register, RBP, 8);
    callReg(c, register); // ff d3
  } else {
    c.note("the traced function, behind its patch site");
    emitCall(t, input.flags & BPF_TRAMP_F_SKIP_FRAME || t.jumpedTo ? input.body : input.func);
  }
  store(c, 8, RBP, -8, RAX); // 48 89 45 f8
  if (!features.image || features.skips) return;
  t.sites.afterCall = c.pos;
  c.note("a jump to the end once this image is replaced");
  nops(c, PATCH_SIZE); // 0f 1f 44 00 00
  c.mark(POKED);
}

function epilogue(t: Tramp): void {
  const { c, features, frame, input } = t;
  if (input.flags & BPF_TRAMP_F_CALL_ORIG) {
    t.sites.epilogue = c.pos;
    if (features.image) callWithImage(t, "__bpf_tramp_exit");
  } else if (keepsCount(t)) t.design.trampoline?.load(t);
  if (frame.returns) {
    c.note("what is returned");
    load(c, 8, RAX, RBP, -8); // 48 8b 45 f8
  }
  c.note("the caller's rbx");
  if (frame.rbx === undefined)
    pop(c, RBX); // 5b
  else load(c, 8, RBX, RBP, -frame.rbx);
  leave(c); // c9
  if (input.flags & BPF_TRAMP_F_SKIP_FRAME) {
    c.note("over the return address to the traced function");
    opRegImm(c, ADD, true, RSP, 8); // 48 83 c4 08
    c.mark(STACK_UP);
  }
  emitReturn(t);
}

function imageOf(t: Tramp): Image {
  const { c, name, base, words } = t;
  const end = c.pos;
  const slots = frameSlots(t.frame, words);
  if (keepsCount(t) && t.design.trampoline) slots.push(t.design.trampoline.slot);
  return {
    name,
    address: base,
    bytes: c.bytes.slice(0, end),
    entry: t.input.flags & BPF_TRAMP_F_INDIRECT && t.input.type && t.profile.features.cfi ? CFI_PREAMBLE : 0,
    body: end,
    ends: Int32Array.of(end),
    starts: c.starts,
    flags: c.flags,
    notes: c.notes,
    frame: { depth: 0, slots },
    trampoline: t.sites,
    tailCalls: [],
    pokes: [],
    extable: [],
    epilogue: t.sites.epilogue ?? end,
    passes: [end],
  };
}
