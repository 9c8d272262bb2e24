import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FLOW_CALL, FLOW_DIRECT, type Image, OWN_STORE, POKED, slotAt } from "../../../bpf/image.ts";
import { CALL, EXIT, JA, JA32, LD_IMM64, modeOf } from "../../../bpf/opcode.ts";
import type { JitFunction } from "../../../jit/function.ts";
import { profileNamed, profileNames } from "../../../jit/profiles/index.ts";
import { decodeTable } from "../../../src/import/x86/decode.ts";
import { functions, isJump } from "../arbitraries.ts";
import { decodeAll } from "./encode/decoded.ts";
import { ADDRESS, compile, functionOf, profileOf } from "./function.ts";

interface Compiled {
  input: JitFunction;
  image: Image;
}

/** Any function for any kernel. */
const anyImage: fc.Arbitrary<Compiled> = fc
  .tuple(functions, fc.constantFrom(...profileNames()))
  .map(([input, name]) => ({ input, image: compile(input, profileNamed(name)!) }));

const always = (check: (compiled: Compiled) => void): void =>
  fc.assert(fc.property(anyImage, check), { numRuns: 100, includeErrorInReport: true });

const NOP5 = "0f1f440000";
const hex = (image: Image, start: number, end: number): string =>
  Buffer.from(image.bytes.subarray(start, end)).toString("hex");
/** Indexes into starts of a slot's machine instructions. */
const insnsOf = ({ starts, ends }: Image, slot: number): number[] =>
  starts.flatMap((at, i) => (at >= ends[slot] && at < ends[slot + 1] ? [i] : []));

describe("an image says where everything is", () => {
  it("the line map: every slot has its place, without gap or overlap; the second half of LD_IMM64 has none", () => {
    always(({ input, image }) => {
      const { ends, body, bytes, starts } = image;
      expect(ends).toHaveLength(input.insns.length + 1);
      expect([ends[0], ends[ends.length - 1]]).toEqual([body, bytes.length]);
      const boundaries = new Set([...starts, bytes.length]);
      for (let slot = 0; slot < input.insns.length; slot++) {
        expect(ends[slot + 1]).toBeGreaterThanOrEqual(ends[slot]);
        expect(boundaries.has(ends[slot])).toBe(true);
        if (input.insns[slot].code === LD_IMM64) expect(ends[slot + 2]).toBe(ends[slot + 1]);
        for (const i of insnsOf(image, slot)) expect(slotAt(image, starts[i])).toBe(slot);
      }
      expect(slotAt(image, 0)).toBe(-1);
    });
  });

  it("machine instructions start where iced-x86 finds them, and do to control and stack what it says", () => {
    always(({ image }) => {
      const { starts, flags, bad } = decodeTable(image.bytes);
      expect(bad).toBeUndefined();
      expect(image.starts).toEqual(starts);
      const told = ~(OWN_STORE | POKED); // what the bytes don't tell
      expect(image.flags.map((each) => each & told)).toEqual(flags.map((each) => each & told));
    });
  });

  it("notes are about machine instructions", () => {
    always(({ image }) => {
      for (const [offset, note] of image.notes) {
        expect(image.starts).toContain(offset);
        expect(note).not.toBe("");
      }
    });
  });
});

describe("branches go where the BPF instruction goes", () => {
  /** Offset that the slot's last direct branch goes to; undefined: it has none. */
  const lastTarget = (image: Image, slot: number, texts: string[]): number | undefined => {
    const branches = insnsOf(image, slot).filter((i) => image.flags[i] & FLOW_DIRECT);
    const last = branches.at(-1);
    if (last === undefined) return undefined;
    const next = image.starts[last + 1] ?? image.bytes.length;
    return next + Number(texts[last].split(" ").at(-1));
  };

  it("jumps to the first byte of their target's code, exits to the epilogue, calls to their callee", () => {
    always(({ input, image }) => {
      const texts = decodeAll(image.bytes).map(({ text }) => text);
      let exits = 0;
      input.insns.forEach((insn, slot) => {
        const to = lastTarget(image, slot, texts);
        if (isJump(insn)) {
          const target = image.ends[slot + 1 + (insn.code === JA32 ? insn.imm : insn.off)];
          if (to !== undefined) expect(to).toBe(target);
          else expect([insn.code === JA || insn.code === JA32, target]).toEqual([true, image.ends[slot + 1]]);
        } else if (insn.code === EXIT) {
          if (exits++) expect(to).toBe(image.epilogue);
          else expect(image.ends[slot]).toBe(image.epilogue);
        } else if (insn.code === CALL) {
          expect(ADDRESS + BigInt(to!)).toBe(input.calls.get(slot));
          const calls = insnsOf(image, slot).filter((i) => image.flags[i] & FLOW_CALL);
          expect(calls).toHaveLength(1);
        }
      });
    });
  });
});

describe("tail calls, fixups, patch sites", () => {
  it("every tail call has its site, and the direct ones two patch sites, empty at first", () => {
    always(({ input, image }) => {
      const slots = input.insns.flatMap(({ code }, slot) => (code === 0xf5 ? [slot] : []));
      expect(image.tailCalls.map(({ insn }) => insn)).toEqual(slots);
      for (const { insn, start, out, kind } of image.tailCalls) {
        expect([start, out]).toEqual([image.ends[insn], image.ends[insn + 1]]);
        expect(kind).toBe(input.insns[insn].imm ? "direct" : "indirect");
      }
      const direct = image.tailCalls.filter(({ kind }) => kind === "direct");
      expect(image.pokes.map(({ insn }) => insn)).toEqual(direct.map(({ insn }) => insn));
      for (const { insn, bypass, target, adjust, map, key } of image.pokes) {
        const { out } = direct.find((site) => site.insn === insn)!;
        expect({ map, key }).toEqual(input.pokes[input.insns[insn].imm - 1]);
        expect(hex(image, target, out)).toBe(NOP5);
        if (bypass !== undefined) {
          expect(image.bytes[bypass]).toBe(0xe9);
          expect(bypass + 5 + Buffer.from(image.bytes).readInt32LE(bypass + 1)).toBe(out);
        }
        if (!input.classic && !input.exceptionCallback) expect(image.entry + adjust).toBe(image.landing);
        const poked = [bypass, target].filter((at) => at !== undefined);
        for (const at of poked) expect(image.flags[image.starts.indexOf(at)] & POKED).toBe(POKED);
      }
      const sites = image.flags.filter((flags) => flags & POKED).length;
      expect(sites).toBe(
        image.pokes.flatMap(({ bypass, target }) => [bypass, target]).filter((at) => at !== undefined).length,
      );
    });
  });

  it("every access that may fault has its fixup: the one instruction that touches memory, and the register it would load", () => {
    const PROBES = [0x20, 0x40, 0xa0, 0xc0, 0xe0]; // modes PROBE_MEM, PROBE_MEMSX, PROBE_MEM32, PROBE_MEM32SX, PROBE_ATOMIC
    always(({ input, image }) => {
      const decoded = decodeAll(image.bytes);
      const probes = input.insns.flatMap(({ code }, slot) => {
        const memory = [1, 2, 3].includes(code & 7);
        const atomic = (code & 7) === 3 && modeOf(code) === 0xc0;
        return memory && !atomic && code !== 0xc2 && PROBES.includes(modeOf(code)) ? [slot] : [];
      });
      expect(image.extable.map(({ offset }) => slotAt(image, offset))).toEqual(probes);
      for (const { offset, length, clear } of image.extable) {
        const insn = decoded.find((each) => each.offset === offset)!;
        expect(insn.length).toBe(length);
        expect(insn.text).toContain("ptr [");
        const load = /^mov(zx|sx|sxd)? (\w+), \w+ ptr \[/.exec(insn.text);
        expect(clear === undefined).toBe(load === null);
      }
    });
  });

  it("trampolines have a patch site, nop5; tail calls land in the prologue, on endbr64 where the CPU looks for it", () => {
    const ENDBR64 = "f30f1efa";
    fc.assert(
      fc.property(functions, fc.constantFrom(...profileNames()), (input, name) => {
        const profile = profileNamed(name)!;
        const image = compile(input, profile);
        const { patchSite, landing, body, starts } = image;
        if (patchSite !== undefined) expect(hex(image, patchSite, patchSite + 5)).toBe(NOP5);
        expect(landing === undefined).toBe(input.classic || input.exceptionCallback);
        if (landing === undefined) return;
        expect(landing).toBeLessThanOrEqual(body);
        expect(starts).toContain(landing);
        if (profile.features.ibt) expect(hex(image, landing, landing + 4)).toBe(ENDBR64);
      }),
    );
  });
});

describe("what stands in the frame", () => {
  const frameOf = (name: string, setting: Partial<JitFunction>): Image["frame"] =>
    compile(functionOf("r6 = 0\nr9 = 0\nexit", setting), profileOf(name)).frame;

  it("by value: the count in the high half of one quadword, and the saved registers below", () => {
    expect(frameOf("linux-6.1", { stackDepth: 12, tailCallReachable: true })).toEqual({
      depth: 16,
      slots: [
        { kind: "count", name: "tcc", high: true },
        { kind: "saved", name: "rbx" },
        { kind: "saved", name: "r15" },
      ],
    });
  });

  it("by pointer: a main function's count and the pointer to it; in a subprogram the pointer twice", () => {
    const pointer = { kind: "pointer", name: "tcc_ptr" };
    const saved = [
      { kind: "saved", name: "rbx" },
      { kind: "saved", name: "r15" },
    ];
    expect(frameOf("linux-6.12", { tailCallReachable: true })).toEqual({
      depth: 0,
      slots: [{ kind: "count", name: "tcc" }, pointer, ...saved],
    });
    expect(frameOf("linux-6.12", { tailCallReachable: true, isSubprog: true })?.slots).toEqual([
      pointer,
      pointer,
      ...saved,
    ]);
  });

  it("a private stack leaves no BPF stack in it", () => {
    expect(frameOf("linux-6.18", { stackDepth: 64, privateStack: 0x1000n })?.depth).toBe(0);
  });
});
