import { POKED } from "../../../bpf/image.ts";
import { enterFunction, exitFunction, type TrampLink } from "../../trampoline.ts";
import { opRegReg, TEST } from "../encode/alu.ts";
import { JE, JNE, jcc32, jccForward, land, nops } from "../encode/control.ts";
import { cmpMemImm8, lea, store } from "../encode/memory.ts";
import { movRegReg } from "../encode/move.ts";
import { emitCall } from "../lower/call.ts";
import { loadImm32, loadImm64 } from "../lower/move.ts";
import { PATCH_SIZE } from "../lower/tail-call.ts";
import { RAX, RBP, RBX, RDI, RDX, RSI } from "../regs.ts";
import type { Tramp } from "./tramp.ts";

/** Where the traced function's result is, and what programs return in its place. */
const RETURNED = -8;
/** BPF_TRAMP_COOKIE_INDEX_SHIFT, BPF_TRAMP_IS_RETURN_SHIFT: parts of what lies in front of the arguments */
const COOKIE_INDEX = 8n;
const IS_RETURN = 1n << 63n;

/** Call the programs one after the other (invoke_bpf). `keep`: store what they return. */
export function invokeAll(t: Tramp, links: readonly TrampLink[], keep: boolean, meta = 0n): void {
  let index = BigInt((t.frame.cookies - t.frame.regs) / 8);
  for (const link of links) {
    if (link.session?.cookie) storeMeta(t, meta | (index-- << COOKIE_INDEX));
    invoke(t, link, keep);
  }
}

/** What a program finds in front of its arguments: how many, and for a session where its cookie is, and that it is over. */
export function storeMeta(t: Tramp, more = 0n): void {
  if (t.frame.meta === undefined) return;
  t.c.note("words of arguments");
  loadImm64(t, RAX, BigInt(t.words.length) | more);
  store(t.c, 8, RBP, -t.frame.meta, RAX);
}

/** The traced function has returned: fsession programs see that. */
export const storeReturned = (t: Tramp): void => storeMeta(t, IS_RETURN);

/** fexit programs, which may be sessions' second calls. */
export const invokeExits = (t: Tramp): void => invokeAll(t, t.input.links.fexit, false, IS_RETURN);

/**
 * fmod_ret programs: the first that returns something else than 0 ends them, and the traced function is not called
 * (invoke_bpf_mod_ret). Returns the ends of the jumps that are to be sent on.
 */
export function invokeModifyReturn(t: Tramp): number[] {
  const { c } = t;
  c.note("what the first program finds as returned");
  loadImm32(t, false, RAX, 0); // 31 c0
  store(c, 8, RBP, RETURNED, RAX); // 48 89 45 f8
  return t.input.links.fmodRet.map((link) => {
    invoke(t, link, true);
    c.note("anything but 0 is returned instead of calling the traced function");
    cmpMemImm8(c, true, RBP, RETURNED, 0); // 48 83 7d f8 00
    jcc32(c, JNE, 0); // 0f 85
    return c.pos;
  });
}

/** Call one program between the functions around it (invoke_bpf_prog). */
function invoke(t: Tramp, link: TrampLink, keep: boolean): void {
  const { c, features, frame } = t;
  const runCtx = frame.runCtx;
  const site = c.pos;
  if (features.skips) {
    c.note("a jump over this program once it is gone");
    nops(c, PATCH_SIZE); // 0f 1f 44 00 00
    c.mark(POKED);
  }
  if (runCtx !== undefined) {
    c.note("bpf_cookie");
    loadImm64(t, RDI, link.cookie ?? 0n);
    store(c, 8, RBP, -runCtx, RDI);
  }
  if (features.enter !== "nothing") program(t, link);
  if (runCtx !== undefined) lea(c, RSI, RBP, -runCtx);
  emitCall(t, t.symbol(enterFunction(link, features)));
  const timed = features.enter !== "nothing" || !link.sleepable;
  if (timed) {
    c.note("start time");
    movRegReg(c, true, RBX, RAX); // 48 89 c3
  }
  let skip: number | undefined;
  if (features.enter !== "nothing") {
    c.note("0: it is running already");
    opRegReg(c, TEST, true, RAX, RAX); // 48 85 c0
    skip = jccForward(c, JE);
  }
  c.note("R1: the arguments");
  lea(c, RDI, RBP, -frame.regs);
  if (link.insnsi !== undefined) loadImm64(t, RSI, link.insnsi);
  emitCall(t, link.entry);
  if (keep) store(c, 8, RBP, RETURNED, RAX);
  if (skip !== undefined) land(c, skip);
  if (timed) {
    program(t, link);
    movRegReg(c, true, RSI, RBX); // 48 89 de
  }
  if (runCtx !== undefined) lea(c, RDX, RBP, -runCtx);
  emitCall(t, t.symbol(exitFunction(link, features)));
  if (features.skips) t.sites.skips.push({ site, over: c.pos });
}

function program(t: Tramp, { prog }: TrampLink): void {
  t.c.note("struct bpf_prog");
  loadImm64(t, RDI, prog);
}
