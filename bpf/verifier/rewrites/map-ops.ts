import * as O from "../../opcode.ts";
import * as P from "../../program.ts";
import type { Env, InsnAux, KInsn } from "../env.ts";
import { shortName } from "../helpers.ts";
import { call } from "../insns.ts";
import { inlineLookup } from "./map-lookup.ts";

/** struct bpf_map_ops of a map type: the function behind each helper. */
const OPS: Record<number, Record<string, string>> = {
  [P.MAP_TYPE_HASH]: {
    map_lookup_elem: "htab_map_lookup_elem",
    map_update_elem: "htab_map_update_elem",
    map_delete_elem: "htab_map_delete_elem",
    for_each_map_elem: "bpf_for_each_hash_elem",
  },
  [P.MAP_TYPE_ARRAY]: {
    map_lookup_elem: "array_map_lookup_elem",
    map_update_elem: "array_map_update_elem",
    map_delete_elem: "array_map_delete_elem",
    for_each_map_elem: "bpf_for_each_array_elem",
  },
  [P.MAP_TYPE_PERCPU_HASH]: {
    map_lookup_elem: "htab_percpu_map_lookup_elem",
    map_update_elem: "htab_percpu_map_update_elem",
    map_delete_elem: "htab_map_delete_elem",
    map_lookup_percpu_elem: "htab_percpu_map_lookup_percpu_elem",
    for_each_map_elem: "bpf_for_each_hash_elem",
  },
  [P.MAP_TYPE_PERCPU_ARRAY]: {
    map_lookup_elem: "percpu_array_map_lookup_elem",
    map_update_elem: "array_map_update_elem",
    map_delete_elem: "array_map_delete_elem",
    map_lookup_percpu_elem: "percpu_array_map_lookup_percpu_elem",
    for_each_map_elem: "bpf_for_each_array_elem",
  },
};

/** A map helper that is always called with the same map calls the map's own function, or is a lookup in place. */
export function callMapOps(env: Env, insn: KInsn, aux: InsnAux): KInsn[] | null {
  if (insn.code !== O.CALL || insn.src !== O.BPF_HELPER_CALL) return null;
  const { map } = aux;
  if (map === undefined || map === "poisoned") return null;
  const helper = shortName(insn.imm) ?? "";
  const { inlineLookup: inlines, mapOps } = env.kernel;
  const lookup = helper === "map_lookup_elem" && inlines ? inlineLookup(env, map) : null;
  if (lookup) return lookup;
  if (mapOps === "none" || (mapOps === "all-but-for-each" && helper === "for_each_map_elem")) return null;
  const callee = OPS[map.type]?.[helper];
  return callee ? [call(callee)] : null;
}
