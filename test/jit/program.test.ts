import { describe, expect, it } from "vitest";
import type { Image } from "../../bpf/image.ts";
import { linux6_12 } from "../../bpf/verifier/index.ts";
import type { Xlated } from "../../bpf/xlated.ts";
import { JitError } from "../../jit/error.ts";
import { compileProgram, type ProgramEnvironment } from "../../jit/program.ts";
import { xlate } from "../bpf/verifier/xlate.ts";
import { decodeAll } from "./x86/encode/decoded.ts";
import { profileOf } from "./x86/function.ts";

const PROFILE = profileOf("linux-6.12");
const SYMBOLS: Record<string, bigint> = {
  ...PROFILE.percpu.symbols,
  bpf_ktime_get_ns: 0xffffffff81000010n,
  bpf_for_each_array_elem: 0xffffffff81000020n,
  __x86_indirect_thunk_rcx: 0xffffffff81000030n,
  __bpf_call_base: 0xffffffff81000040n,
};

/** Functions 0x100 bytes apart, maps in the direct mapping. */
const ENVIRONMENT: ProgramEnvironment = {
  symbol: (name) => SYMBOLS[name] ?? 0xffffffff81ffff00n,
  map: () => 0xffff888001000000n,
  mapValue: () => 0xffff888001000110n,
  place: (index) => 0xffffffffc0000000n + 0x100n * BigInt(index),
};

const compiled = (xlated: Xlated, env: Partial<ProgramEnvironment> = {}): Image[] =>
  compileProgram("prog", xlated, PROFILE, { ...ENVIRONMENT, ...env });

/** `mov rdi, 1`: the code of one slot, in Intel's syntax */
const texts = ({ bytes, ends }: Image, slot: number): string[] =>
  decodeAll(bytes.slice(ends[slot], ends[slot + 1])).map(({ text }) => text);

/** Where the slot's call goes. */
function callee(image: Image, slot: number): bigint {
  const distance = texts(image, slot)
    .map((text) => /^call ([+-]\d+)$/.exec(text)?.[1])
    .find((each) => each !== undefined);
  return image.address + BigInt(image.ends[slot + 1]) + BigInt(distance!);
}

const WITH_SUBPROG = `
  entry:
    call sub
    call bpf_ktime_get_ns
    r0 = 0
    exit
  sub:
    r0 = 1
    exit
`;

describe("compileProgram: all functions of a program, each where the environment wants it", () => {
  it("the entry's image has the program's name, a subprogram's its own behind it", () => {
    expect(compiled(xlate(WITH_SUBPROG)).map(({ name }) => name)).toEqual(["prog", "prog#sub"]);
  });

  it("the environment is asked once for each, with its size in bytes, and gets its way", () => {
    const asked: [number, number][] = [];
    const images = compiled(xlate(WITH_SUBPROG), {
      place: (index, bytes) => {
        asked.push([index, bytes]);
        return 0xffffffffc0005000n + 0x1000n * BigInt(index);
      },
    });
    expect(asked).toEqual(images.map(({ bytes }, index) => [index, bytes.length]));
    expect(images.map(({ address }) => address)).toEqual([0xffffffffc0005000n, 0xffffffffc0006000n]);
  });

  it("calls go to functions and to helpers", () => {
    const [entry] = compiled(xlate(WITH_SUBPROG));
    expect(callee(entry, 0)).toBe(0xffffffffc0000100n);
    expect(callee(entry, 1)).toBe(SYMBOLS.bpf_ktime_get_ns);
  });

  it("a function's address is loaded as LD_IMM64, sized as the kernel sizes it: as one in the JIT region", () => {
    const [entry] = compiled(
      xlate(`
        r1 = array ll
        r2 = callback ll
        r3 = 0
        r4 = 0
        call bpf_for_each_map_elem
        r0 = 0
        exit
        callback:
        r0 = 0
        exit
      `),
    );
    expect(texts(entry, 2)).toEqual(["mov rsi, -1073741568"]); // 0xffffffffc0000100
  });

  it("maps and map values are addresses", () => {
    const [entry] = compiled(
      xlate(`
        r1 = array ll
        r2 = data[0] + 8 ll
        r0 = 0
        exit
      `),
    );
    const signed = (value: bigint): string => BigInt.asIntN(64, value).toString();
    expect(texts(entry, 0)).toEqual([`mov rdi, ${signed(0xffff888001000000n)}`]);
    expect(texts(entry, 2)).toEqual([`mov rsi, ${signed(0xffff888001000118n)}`]);
  });

  it("a direct tail call knows its map and key", () => {
    const [entry] = compiled(
      xlate(`
        r2 = jmp_table ll
        r3 = 1
        call bpf_tail_call
        r0 = 0
        exit
      `),
    );
    expect(entry.pokes).toMatchObject([{ map: "jmp_table", key: 1 }]);
  });

  it("numbers for blinding are drawn function by function", () => {
    const asked: number[] = [];
    const random = (index: number): number => {
      asked.push(index);
      return 0x5aa5f00f;
    };
    const images = compiled(xlate(WITH_SUBPROG.replace("r0 = 0", "r0 = 7")), { random });
    expect(asked).toEqual([0, 1]);
    // the line map is still that of the verifier's slots
    expect(images.map(({ ends }) => ends.length)).toEqual([5, 3]);
    expect(texts(images[1], 0)).toEqual([`mov r10d, ${0x5aa5f00f ^ 1}`, `xor r10, ${0x5aa5f00f}`, "mov rax, r10"]);
  });

  it("the same input gives the same bytes, and is left as it was", () => {
    const xlated = xlate(WITH_SUBPROG);
    const before = structuredClone(xlated);
    expect(compiled(xlated)).toEqual(compiled(xlated));
    expect(xlated).toEqual(before);
  });
});

describe("compileProgram: private stacks", () => {
  const withPrivateStack = (): Xlated => {
    const xlated = xlate("*(u64 *)(r10 - 20) = r1\nr0 = 0\nexit", { kernel: linux6_12 });
    const [entry] = xlated.functions;
    return { ...xlated, functions: [{ ...entry, stackDepth: 20, privateStack: true }] };
  };

  it("are asked for with their guards: 20 bytes in quadwords, and 8 bytes on either side", () => {
    const asked: [number, number][] = [];
    compiled(withPrivateStack(), {
      privateStack: (index, bytes) => {
        asked.push([index, bytes]);
        return 0x600000001000n;
      },
    });
    expect(asked).toEqual([[0, 24 + 16]]);
  });

  it("and missed where the environment has none", () => {
    expect(() => compiled(withPrivateStack())).toThrow(
      new JitError("function 0 wants a private stack and there is none"),
    );
  });
});

describe("compileProgram: functions that the verifier removed as dead code", () => {
  it("a call of one still goes somewhere: its distance counts from __bpf_call_base", () => {
    const xlated = xlate("call bpf_ktime_get_ns\nr0 = 0\nexit");
    const removed: Xlated = {
      ...xlated,
      removedCallees: [0],
      calls: new Map([[0, "__bpf_call_base+0x1"]]),
    };
    expect(callee(compiled(removed)[0], 0)).toBe(SYMBOLS.__bpf_call_base + 1n);
  });

  it("its address is its distance in slots, which blinding moves and does not hide", () => {
    const xlated = xlate("r1 = 2 ll\nr2 = 5\nr0 = 0\nexit"); // from the second half of LD_IMM64 to r0 = 0
    const [entry] = compiled({ ...xlated, removedCallees: [0] }, { random: () => 0x5aa5f00f });
    expect(texts(entry, 0)).toEqual(["mov edi, 4"]); // r2 = 5 takes three slots now
  });

  it("a call of which nothing is known is refused", () => {
    const xlated = xlate("r0 = 0\ncall bpf_ktime_get_ns\nexit");
    expect(() => compiled({ ...xlated, calls: new Map() })).toThrow(
      new JitError("nothing is known of the call at 1", 1),
    );
  });
});
