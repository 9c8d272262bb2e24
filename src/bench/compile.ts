import { assemble } from "../../bpf/asm/assemble.ts";
import type { Insn } from "../../bpf/insn.ts";
import { PROG_TYPE_SOCKET_FILTER } from "../../bpf/program.ts";
import { verify } from "../../bpf/verifier/index.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import { compileProgram } from "../../jit/program.ts";
import { unverified } from "../runner/handed-over.ts";
import { verifierOf } from "../runner/verifier-of.ts";
import { leastCpu } from "./cpu.ts";

const PROFILE = "linux-6.12";
/** BPF instructions of the programs. */
export const SIZES = [100, 1_000, 10_000, 100_000, 200_000] as const;

/** What a program of that size costs, in ms of CPU time. */
export interface CompileCost {
  /** BPF instructions */
  insns: number;
  /** bytes of machine code */
  bytes: number;
  /** passes over the program until its size was stable, the last one included */
  passes: number;
  jitMs: number;
  verifyMs: number;
}

/** A bit of everything that changes the size of code from pass to pass; the conditions are decided by what is known. */
const BLOCK = `
  r3 += r2
  w4 ^= 12345
  *(u64 *)(r10 - 8) = r3
  r5 = *(u32 *)(r10 - 8)
  r4 *= 7
  if r2 == 7 goto +2
  r4 = 0x123456789a ll
  r3 <<= 3
  r4 = r3
  if r2 != 7 goto +3
  r6 = 300
  r3 = -r3
  r5 = be32 r5
  *(u8 *)(r10 - 9) = r5
  w5 s>>= 3
  goto +0
  r0 += r5
`;

/** A program of exactly `size` instructions. */
export function programOf(size: number): Insn[] {
  const start = assemble("r0 = 0\nr2 = 7\nr3 = 1\nr4 = 2\nr5 = 3\nr6 = 4").insns;
  const block = assemble(BLOCK).insns;
  const blocks = Math.floor((size - start.length - 1) / block.length);
  const fill = size - start.length - 1 - blocks * block.length;
  return [
    ...start,
    ...Array.from({ length: blocks }, () => block).flat(),
    ...Array.from({ length: fill }, () => block[0]),
    ...assemble("exit").insns,
  ].map((insn) => ({ ...insn }));
}

export function measureCompile(progress: (text: string) => void): CompileCost[] {
  const profile = profileNamed(PROFILE)!;
  const features = verifierOf(profile);
  return SIZES.map((size) => {
    progress(`${size} instructions`);
    const insns = programOf(size);
    const rounds = size >= 100_000 ? 3 : 10;
    const image = () => compileProgram("p", unverified("p", insns), profile, NOWHERE)[0];
    const { bytes, passes } = image();
    const jitMs = leastCpu(rounds, image);
    const program = { name: "p", type: PROG_TYPE_SOCKET_FILTER, insns, relocs: [], functions: [] };
    const verifyMs = leastCpu(size >= 100_000 ? 2 : 5, () => verify(program, [], features));
    return { insns: size, bytes: bytes.length, passes: passes.length, jitMs, verifyMs };
  });
}

const NOWHERE = {
  symbol: () => 0xffffffff81000000n,
  map: () => 0n,
  mapValue: () => 0n,
  place: () => 0xffffffffc0000000n,
};
