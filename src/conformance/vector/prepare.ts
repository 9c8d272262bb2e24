import { checkClassic } from "../../../bpf/classic/check.ts";
import { convertClassic } from "../../../bpf/classic/convert.ts";
import { decodeClassic } from "../../../bpf/classic/insn.ts";
import { decodeInsns } from "../../../bpf/insn.ts";
import type { KernelFeatures } from "../../../bpf/verifier/index.ts";
import type { Prepared } from "../execution.ts";
import type { Vector } from "./format.ts";

/**
 * What the kernel's test hands the JIT: classic filters checked and converted, extended programs as they are, since no
 * verifier sees them. Throws ClassicError.
 */
export function prepareVector({ language, insns: bytes, stackDepth }: Vector, kernel: KernelFeatures): Prepared {
  if (language === "cbpf") {
    const filter = decodeClassic(bytes);
    checkClassic(filter);
    return { xlated: convertClassic(filter, kernel), classic: true };
  }
  const insns = decodeInsns(bytes);
  const main = {
    name: "main",
    start: 0,
    insns: insns.length,
    stackDepth,
    hasTailCall: false,
    tailCallReachable: false,
  };
  const origin = Int32Array.from(insns, (_, slot) => slot);
  const xlated = { insns, origin, functions: [main], mapRefs: [], calls: new Map(), pokes: [], symbolRefs: [] };
  return { xlated, classic: false };
}
