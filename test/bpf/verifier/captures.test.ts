import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { brotliDecompressSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { decodeInsns } from "../../../bpf/insn.ts";
import { BPF_LDX, BPF_PROBE_MEM, BPF_PROBE_MEMSX, classOf, modeOf } from "../../../bpf/opcode.ts";
import type { MapDef, Program } from "../../../bpf/program.ts";
import { dumpBytes, kernels, VerifierError, verify } from "../../../bpf/verifier/index.ts";
import type { MapRef, Xlated } from "../../../bpf/xlated.ts";

// test/fixtures/verifier/README.md says what is in the file

interface Kernel {
  calls: Record<string, number>;
  symbols: Record<string, string>;
  rejects: Record<string, string>;
}

interface Captured {
  xlated: string;
  stackDepth?: number[];
  functions?: [start: number, insns: number][];
  mapRefs?: MapRef[];
  probeMem?: number[];
}

interface CapturedSet {
  set: string;
  maps: MapDef[];
  progs: (Omit<Program, "insns"> & { insns: string })[];
  kernels: Record<string, Captured[]>;
}

const file = new URL("../../fixtures/verifier/captures.jsonl.br", import.meta.url);
const [head, ...captured] = brotliDecompressSync(readFileSync(file))
  .toString()
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const sets = captured.map((s: CapturedSet) => ({
  ...s,
  progs: s.progs.map((p): Program => ({ ...p, insns: decodeInsns(Buffer.from(p.insns, "hex")) })),
}));

const mayFault = (xlated: Xlated) =>
  xlated.insns.flatMap(({ code }, i) =>
    classOf(code) === BPF_LDX && [BPF_PROBE_MEM, BPF_PROBE_MEMSX].includes(modeOf(code)) ? [i] : [],
  );

/** What a kernel tells of a program, from our verifier. Fields that the capture does not have are left out. */
function told(xlated: Xlated, kernel: Kernel, maps: MapDef[], like: Captured): Captured {
  const { calls, symbols } = kernel;
  const callImm = (name: string) => calls[name];
  const symbol = (name: string) => BigInt(`0x${symbols[name]}`);
  const bytes = dumpBytes(xlated, { callImm, symbol, mapId: (name) => maps.findIndex((m) => m.name === name) });
  // the default exception callback is in the code, but not in what is listed
  const listed = xlated.functions.filter((f) => !f.exceptionCallback);
  const depths = xlated.functions.slice(0, like.stackDepth?.length);
  return {
    xlated: Buffer.from(bytes).toString("hex"),
    ...(like.mapRefs && { mapRefs: xlated.mapRefs }),
    ...(like.stackDepth && { stackDepth: depths.map((f) => f.stackDepth) }),
    ...(like.functions && { functions: listed.map((f) => [f.start, f.insns]) }),
    ...(like.probeMem && { probeMem: mayFault(xlated) }),
  };
}

describe.each(Object.entries<Kernel>(head.kernels))("Linux %s", (release, kernel) => {
  const features = kernels[`linux-${release}`];

  test("instructions, functions, stack depths, map references and loads that may fault are the kernel's", () => {
    const wrong = sets.flatMap(({ set, maps, progs, kernels }) =>
      (kernels[release] ?? []).flatMap((captured, i) => {
        const ours = told(verify(progs[i], maps, features, progs), kernel, maps, captured);
        return isDeepStrictEqual(ours, captured) ? [] : [`${set} ${progs[i].name}`];
      }),
    );
    expect(wrong).toEqual([]);
  });

  test("programs that the kernel turns down are turned down, with its message", () => {
    const rejected = sets.filter(({ set }) => set in kernel.rejects);
    const messages = rejected.map(({ set, maps, progs }) => {
      try {
        for (const p of progs) verify(p, maps, features, progs);
        return [set, "accepted"];
      } catch (e) {
        expect(e).toBeInstanceOf(VerifierError);
        return [set, kernel.rejects[set] && (e as VerifierError).message];
      }
    });
    expect(Object.fromEntries(messages)).toEqual(kernel.rejects);
  });
});
