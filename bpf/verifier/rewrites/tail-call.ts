import * as O from "../../opcode.ts";
import type { Env, InsnAux, KInsn } from "../env.ts";
import { VerifierError } from "../error.ts";
import { isTailCall } from "../functions.ts";
import { alu32, jmp, R3 } from "../insns.ts";

/** The element of the array a tail call always takes, when there is one: such calls can be jumps (bpf_jit_poke_descriptor). */
export function constantTailCallIndex(aux: Pick<InsnAux, "map" | "key">): { map: string; key: number } | null {
  const { map, key } = aux;
  if (map === undefined || map === "poisoned" || typeof key !== "bigint") return null;
  return { map: map.name, key: Number(key) };
}

/** bpf_tail_call() as an instruction of its own: direct, indirect, or with its index masked where speculation is a concern. */
export function expandTailCall(env: Env, insn: KInsn, aux: InsnAux): KInsn[] | null {
  if (!isTailCall(insn)) return null;
  const { options, directTailCalls } = env.kernel;
  const tail: KInsn = { code: O.BPF_JMP | O.BPF_TAIL_CALL, dst: 0, src: 0, off: 0, imm: 0 };
  const target = constantTailCallIndex(aux);
  if (target && directTailCalls && !options.blinding && options.bypassSpecV1) {
    tail.poke = env.pokes.push(target) - 1;
    tail.imm = tail.poke + 1;
    return [tail];
  }
  if (options.bypassSpecV1) return [tail];
  if (aux.map === undefined || aux.map === "poisoned") throw new VerifierError(aux.origin, "tail_call abusing map_ptr");
  return [jmp(O.BPF_JGE, R3, aux.map.maxEntries, 2), alu32(O.BPF_AND, R3, indexMask(aux.map.maxEntries)), tail];
}

/** array->index_mask: the entries rounded up to a power of two, less one. */
export const indexMask = (maxEntries: number): number =>
  maxEntries <= 1 ? 0 : (2 ** Math.ceil(Math.log2(maxEntries)) - 1) | 0;
