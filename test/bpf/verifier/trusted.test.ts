import { expect, test } from "vitest";
import { assemble } from "../../../bpf/asm/assemble.ts";
import { listXlated } from "../../../bpf/disasm/disassemble.ts";
import { MAP_TYPE_ARRAY, MAP_TYPE_PROG_ARRAY, PROG_TYPE_SCHED_CLS } from "../../../bpf/program.ts";
import { kernels, trust, verify } from "../../../bpf/verifier/index.ts";

const MAPS = [
  { name: "cells", type: MAP_TYPE_ARRAY, keySize: 4, valueSize: 8, maxEntries: 2 },
  { name: "jmp", type: MAP_TYPE_PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 2 },
];

const PROGRAM = `
  r6 = r1
  *(u32 *)(r10 - 4) = 1
  r2 = r10
  r2 += -4
  r1 = cells ll
  call bpf_map_lookup_elem
  if r0 == 0 goto missing
  r7 = *(u64 *)(r0 + 0)
  r0 = 100
  r0 /= r7
missing:
  r1 = r6
  call f
  call bpf_get_prandom_u32
  r3 = r0
  r2 = jmp ll
  r1 = r6
  call bpf_tail_call
  r0 = 0
  exit
f:
  *(u64 *)(r10 - 24) = 0
  r3 = 1
  r2 = jmp ll
  call bpf_tail_call
  r0 = 1
  exit`;

test.each(["linux-5.10", "linux-6.1", "linux-6.12", "linux-7.2"])(
  "what %s makes of a program is found out without following its paths",
  (name) => {
    const { insns, functions, relocs } = assemble(PROGRAM, { maps: ["cells", "jmp"] });
    const program = { name: "p", type: PROG_TYPE_SCHED_CLS, insns, functions, relocs };
    const trusted = trust(program, MAPS, kernels[name]);
    const verified = verify(program, MAPS, kernels[name]);
    expect(listXlated(trusted)).toBe(listXlated(verified));
    expect([trusted.functions, trusted.pokes]).toEqual([verified.functions, verified.pokes]);
  },
);
