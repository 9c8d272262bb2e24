import * as O from "../../bpf/opcode.ts";
import type { FunctionWriter } from "./function-writer.ts";
import type { Gene } from "./genome.ts";

const MAP_LOOKUP_ELEM = 1;
const MAP_UPDATE_ELEM = 2;
const MAP_DELETE_ELEM = 3;
const KTIME_GET_NS = 5;
const GET_PRANDOM_U32 = 7;
const GET_SMP_PROCESSOR_ID = 8;

/** Maps that helpers are called for: values of 8 bytes, keys of 4. */
export const CELLS = "cells";
export const HASH = "hash";
export const PERCPU = "percpu";
const MAPS = [CELLS, HASH, PERCPU];

/** A call of a helper. */
export function writeHelper(f: FunctionWriter, gene: Gene): void {
  const { code, scalars } = f;
  const [, a, b, c] = gene;
  const which = a % 8;
  if (which < 3) {
    code.helper([GET_SMP_PROCESSOR_ID, GET_PRANDOM_U32, KTIME_GET_NS][which]);
    return scalars.called(true);
  }
  const map = MAPS[b % MAPS.length];
  // two words of stack: the key, the value
  if (f.stack.slots < 2) {
    code.helper(GET_PRANDOM_U32);
    return scalars.called(true);
  }
  const value = scalars.source(c);
  code.put(O.BPF_STX | O.BPF_MEM | O.BPF_DW, 10, value, f.stack.offset(1));
  code.put(O.BPF_ST | O.BPF_MEM | O.BPF_DW, 10, 0, f.stack.offset(0), (b >> 2) % 5);
  f.stack.written |= 3;
  code.copy(2, 10);
  code.put(O.BPF_ALU64 | O.BPF_ADD | O.BPF_K, 2, 0, 0, f.stack.offset(0));
  if (which < 6) return lookup(f, map, gene);
  const updates = which === 6 || map !== HASH;
  if (updates) {
    code.copy(3, 10);
    code.put(O.BPF_ALU64 | O.BPF_ADD | O.BPF_K, 3, 0, 0, f.stack.offset(1));
    code.move(4, (b >> 5) % 3);
  }
  code.map(1, map);
  code.helper(updates ? MAP_UPDATE_ELEM : MAP_DELETE_ELEM);
  // before 6.4 the upper half of an error is 0 where the map's own function is called
  code.put(O.BPF_ALU | O.BPF_MOV | O.BPF_X, 0, 0);
  scalars.called(true);
}

/** Look up, and read or count the value where there is one. */
function lookup({ code, scalars }: FunctionWriter, map: string, [, a, , c]: Gene): void {
  code.map(1, map);
  code.helper(MAP_LOOKUP_ELEM);
  scalars.called(false);
  const missing = code.jump(O.BPF_JMP | O.BPF_JEQ | O.BPF_K, 0, 0, 0);
  if (c & 1) {
    code.move(1, a);
    code.put(O.BPF_STX | O.BPF_ATOMIC | O.BPF_DW, 0, 1, 0, O.BPF_ADD);
  }
  code.put(O.BPF_LDX | O.BPF_MEM | O.BPF_DW, 0, 0, 0);
  code.land(missing);
  scalars.written |= 1;
}
