import * as O from "../../opcode.ts";
import * as P from "../../program.ts";
import { offsetOf } from "../../structs.ts";
import type { Env, KInsn } from "../env.ts";
import { alu32, alu64, alu64Reg, call, ja, jmp, ldx, mov64, movPerCpu, R0, R1, R2 } from "../insns.ts";
import { indexMask } from "./tail-call.ts";

const roundUp8 = (n: number): number => (n + 7) & ~7;

/** Bound check of the index in R0, masked where speculation is a concern; `skip`: instructions to the end. */
function boundCheck(env: Env, map: P.MapDef, skip: number): KInsn[] {
  const masked = !env.kernel.options.bypassSpecV1;
  const check = jmp(O.BPF_JGE, R0, map.maxEntries, skip + (masked ? 1 : 0));
  return masked ? [check, alu32(O.BPF_AND, R0, indexMask(map.maxEntries))] : [check];
}

/** array_map_gen_lookup() */
function array(env: Env, map: P.MapDef): KInsn[] {
  const size = roundUp8(map.valueSize);
  const power = Math.log2(size);
  return [
    alu64(O.BPF_ADD, R1, offsetOf(env.kernel.structs, "bpf_array.value")),
    ldx(O.BPF_W, R0, R2, 0),
    ...boundCheck(env, map, 3),
    Number.isInteger(power) ? alu64(O.BPF_LSH, R0, power) : alu64(O.BPF_MUL, R0, size),
    alu64Reg(O.BPF_ADD, R0, R1),
    ja(1),
    mov64(R0, 0),
  ];
}

/** percpu_array_map_gen_lookup() (6.10) */
function perCpuArray(env: Env, map: P.MapDef): KInsn[] {
  return [
    alu64(O.BPF_ADD, R1, offsetOf(env.kernel.structs, "bpf_array.pptrs")),
    ldx(O.BPF_W, R0, R2, 0),
    ...boundCheck(env, map, 5),
    alu64(O.BPF_LSH, R0, 3),
    alu64Reg(O.BPF_ADD, R0, R1),
    ldx(O.BPF_DW, R0, R0, 0),
    movPerCpu(R0, R0),
    ja(1),
    mov64(R0, 0),
  ];
}

/** Where the value lies in struct htab_elem. */
const valueOffset = (env: Env, map: P.MapDef): number =>
  offsetOf(env.kernel.structs, "htab_elem.key") + roundUp8(map.keySize);

/** htab_map_gen_lookup() */
const hash = (env: Env, map: P.MapDef): KInsn[] => [
  call("__htab_map_lookup_elem"),
  jmp(O.BPF_JEQ, R0, 0, 1),
  alu64(O.BPF_ADD, R0, valueOffset(env, map)),
];

/** htab_percpu_map_gen_lookup() (6.10) */
const perCpuHash = (env: Env, map: P.MapDef): KInsn[] => [
  call("__htab_map_lookup_elem"),
  jmp(O.BPF_JEQ, R0, 0, 3),
  alu64(O.BPF_ADD, R0, valueOffset(env, map)),
  ldx(O.BPF_DW, R0, R0, 0),
  movPerCpu(R0, R0),
];

/** map->ops->map_gen_lookup: a lookup without the call of the helper; null: this map type has none. */
export function inlineLookup(env: Env, map: P.MapDef): KInsn[] | null {
  switch (map.type) {
    case P.MAP_TYPE_ARRAY:
      return array(env, map);
    case P.MAP_TYPE_HASH:
      return hash(env, map);
    case P.MAP_TYPE_PERCPU_ARRAY:
      return env.kernel.inlinePerCpuLookup ? perCpuArray(env, map) : null;
    case P.MAP_TYPE_PERCPU_HASH:
      return env.kernel.inlinePerCpuLookup ? perCpuHash(env, map) : null;
    default:
      return null;
  }
}
