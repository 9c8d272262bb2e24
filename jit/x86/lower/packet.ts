import type { Insn } from "../../../bpf/insn.ts";
import { BPF_B, BPF_H, BPF_IND, BPF_W, modeOf, sizeOf } from "../../../bpf/opcode.ts";
import { JitError } from "../../error.ts";
import { relative } from "../emitter.ts";
import { ADD, opRegImm } from "../encode/alu.ts";
import { call, pop, push } from "../encode/control.ts";
import { loadFrame, subFrame } from "../encode/memory.ts";
import { movRegImm32 } from "../encode/move.ts";
import type { Fn } from "../fn.ts";
import { R9, R10, RBX, RDI, RSI } from "../regs.ts";
import { move } from "./move.ts";

/** SKF_LL_OFF: lowest offset that means a header; between it and 0 sk_load_*_negative_offset is called */
const SKF_LL_OFF = -0x200000;

const WIDTHS: Record<number, string> = { [BPF_W]: "word", [BPF_H]: "half", [BPF_B]: "byte" };

/** Helpers after which the packet may be elsewhere (bpf_helper_changes_pkt_data, net/core/filter.c, 4.10). */
const MOVES_PACKET = [
  "bpf_skb_vlan_push",
  "bpf_skb_vlan_pop",
  "bpf_skb_store_bytes",
  "bpf_skb_change_proto",
  "bpf_skb_change_head",
  "bpf_skb_change_tail",
  "bpf_skb_pull_data",
  "bpf_l3_csum_replace",
  "bpf_l4_csum_replace",
  "bpf_clone_redirect",
  "bpf_xdp_adjust_head",
];

function skb(f: Fn): { len: number; dataLen: number; data: number } {
  const offsets = f.profile.offsets.skb;
  if (!offsets) throw new JitError(`${f.profile.name} doesn't say where the members of struct sk_buff are`);
  return offsets;
}

/** r9d = bytes of the packet that are in one piece, r10 = where they are; the skb is in rdi (emit_load_skb_data_hlen). */
export function cachePacket(f: Fn): void {
  const { len, dataLen, data } = skb(f);
  f.c.note("headlen = skb->len - skb->data_len");
  loadFrame(f.c, false, R9, RDI, len); // 44 8b 8f
  subFrame(f.c, R9, RDI, dataLen); // 44 2b 8f
  f.c.note("skb->data");
  loadFrame(f.c, true, R10, RDI, data); // 4c 8b 97
}

/** LD_ABS and LD_IND: the offset to esi, the skb is in rbx, and a call of arch/x86/net/bpf_jit.S. */
export function loadPacket(f: Fn, insn: Insn, src: number): void {
  const { c } = f;
  const load = `sk_load_${WIDTHS[sizeOf(insn.code)]}`;
  const indirect = modeOf(insn.code) === BPF_IND;
  if (!indirect)
    movRegImm32(c, RSI, insn.imm); // be
  else {
    move(f, RSI, src);
    if (insn.imm) opRegImm(c, ADD, false, RSI, insn.imm, false); // 83 c6 or 81 c6
  }
  if (f.usesAx) {
    c.note("skb->data: blinding needs r10");
    loadFrame(c, true, R10, RBX, skb(f).data); // 4c 8b 93
  }
  const sign = indirect || insn.imm < SKF_LL_OFF ? "" : insn.imm < 0 ? "_negative_offset" : "_positive_offset";
  call(c, relative(f, f.symbol(load + sign))); // e8
}

/** A call in a program that loads from the packet: what is known of it must survive, or is looked up again. */
export function callAroundPacket(f: Fn, target: bigint): void {
  const { c } = f;
  if (MOVES_PACKET.some((name) => f.symbol(name) === target)) {
    push(c, RDI); // 57
    call(c, relative(f, target));
    pop(c, RDI); // 5f
    return cachePacket(f);
  }
  push(c, R10); // 41 52
  push(c, R9); // 41 51
  call(c, relative(f, target));
  pop(c, R9); // 41 59
  pop(c, R10); // 41 5a
}
