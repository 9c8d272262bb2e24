import { describe, expect, it } from "vitest";
import type { Image } from "../../../bpf/image.ts";
import { JitError } from "../../../jit/error.ts";
import type { X86Profile } from "../../../jit/profile.ts";
import { filler } from "./filler.ts";
import { compile, functionOf, profileOf, type Setting } from "./function.ts";

const LINUX = profileOf("linux-6.12");
/** Before c8831bdbfbab a short jump could be as long as a byte allows. */
const UP_TO_127: X86Profile = { ...LINUX, features: { ...LINUX.features, shortJumpMax: 127 } };

const compiled = (text: string, profile = LINUX, setting: Setting = {}): Image =>
  compile(functionOf(text, setting), profile);

/** The code of a slot. */
const code = (image: Image, slot: number): string =>
  Buffer.from(image.bytes.subarray(image.ends[slot], image.ends[slot + 1])).toString("hex");

describe("short jumps reach from -128 to 123, so that four bytes of padding cannot push them past 127", () => {
  it("forward, on a condition: 2 bytes up to 123, 6 above", () => {
    const over = (bytes: number, profile = LINUX): string =>
      code(compiled(`if w1 == w2 goto out\n${filler(bytes)}out:\nexit`, profile), 0);
    expect(over(123)).toBe("39f7747b");
    expect(over(124)).toBe("39f70f847c000000");
    expect(over(127, UP_TO_127)).toBe("39f7747f");
    expect(over(128, UP_TO_127)).toBe("39f70f8480000000");
  });

  it("forward: 2 bytes up to 123, 5 above", () => {
    const over = (bytes: number, profile = LINUX): string =>
      code(compiled(`goto out\n${filler(bytes)}out:\nexit`, profile), 0);
    expect(over(123)).toBe("eb7b");
    expect(over(124)).toBe("e97c000000");
    expect(over(127, UP_TO_127)).toBe("eb7f");
    expect(over(128, UP_TO_127)).toBe("e980000000");
  });

  it("backward they count their own length, as it was in the pass before: 5 or 6 bytes at first", () => {
    const back = (bytes: number, jump: string): string => {
      const image = compiled(`again:\n${filler(bytes)}${jump}\nexit`);
      return code(image, image.ends.length - 3);
    };
    expect(back(123, "goto again")).toBe("eb83"); // 123 + 5 are in reach: short, so 123 + 2
    expect(back(124, "goto again")).toBe("e97fffffff"); // 124 + 5 are not, though 124 + 2 would be
    expect(back(120, "if w1 == w2 goto again")).toBe("39f77484"); // 120 + 2 + 6, then 120 + 2 + 2
    expect(back(121, "if w1 == w2 goto again")).toBe("39f70f847fffffff");
  });

  it("so does the jump of a later exit to the first", () => {
    const second = (bytes: number): string => {
      const image = compiled(`exit\n${filler(bytes)}exit`);
      return code(image, image.ends.length - 2);
    };
    const epilogue = 3; // leave, ret, int3
    expect(second(123 - epilogue)).toBe("eb83");
    expect(second(124 - epilogue)).toBe("e97fffffff");
  });
});

/**
 * `jumps` jumps, each over as many bytes as bring its target into reach (`max`) as soon as the next jump among them is short.
 * The last one is.
 */
function chain(jumps: number, max = 123): string {
  const links = Array.from({ length: jumps }, (_, i) => {
    const next = i + 1 < jumps ? `goto to${i + 1}\n` : "";
    return `${filler(max - 2)}${next}to${i}:\n`;
  });
  return `goto to0\n${links.join("")}exit`;
}

describe("passes go on until two of them are equally long", () => {
  it("without a jump that is two, and the one that is kept", () => {
    expect(compiled("r0 = 0\nexit").passes).toEqual([25, 25, 25]);
  });

  it("in a chain each pass shortens one jump by three bytes, the last one first", () => {
    const { passes } = compiled(chain(4));
    const all = passes[0];
    expect(passes).toEqual([all, all - 3, all - 6, all - 9, all - 12, all - 12, all - 12]);
  });

  it("the 15th pass is the first to pad what it shortens; the rest of a longer chain stays long", () => {
    const { passes, ends, bytes } = compiled(chain(20));
    const sizing = passes.length - 1;
    expect(sizing).toBe(16);
    // of 20 jumps 14 became short in passes 1 to 14; the one that pass 15 could shorten gets its 3 bytes back
    const first = (i: number): number => ends[i === 0 ? 0 : i * (1 + filler(121).split("\n").length - 1)];
    const jump = (i: number): string => Buffer.from(bytes.subarray(first(i), first(i) + 5)).toString("hex");
    expect([6, 7, 19].map(jump).map((hex) => hex.slice(0, 4))).toEqual(["eb7b", "eb7b", "eb79"]);
    expect(jump(5)).toBe("0f1f00eb7b");
    expect([0, 1, 2, 3, 4].map(jump)).toEqual(Array(5).fill("e97e000000"));
  });

  it("a function of a program with several is compiled again, padded, at the same length", () => {
    const once = compiled(chain(4));
    const again = compiled(chain(4), LINUX, { extraPass: true });
    expect(again.bytes).toEqual(once.bytes);
  });
});

describe("what does not converge is refused", () => {
  /** A jump over a loop: whenever it gets longer the loop's own jump gets shorter, and the other way round. */
  const swing = (i: number, inside = filler(123)): string =>
    `if r1 == r2 goto out${i}\nagain${i}:\n${inside}goto again${i}\nout${i}:\n`;
  const failure = (text: string, profile: X86Profile): JitError => {
    try {
      compiled(text, profile);
    } catch (error) {
      if (error instanceof JitError) return error;
      throw error;
    }
    throw new Error("it converged");
  };
  const slotsIn = (text: string): number => functionOf(`${text}exit`).insns.length - 1;

  it.each([
    ["linux-5.10", 20],
    ["linux-4.10", 10],
  ])("before 5.12 nothing is padded, and %s gives up after %i passes", (name, passes) => {
    // each jump takes a pass, the first pass none, and the last one sees that nothing changes
    const text = (jumps: number): string => chain(jumps, 127);
    expect(compiled(text(passes - 2), profileOf(name)).passes).toHaveLength(passes + 1);
    const error = failure(text(passes - 1), profileOf(name));
    expect(error.message).toBe(`f: no stable size after ${passes} passes`);
    expect(error.slot).toBe(-1);
  });

  it("je 2 and jmp 5 bytes, je 6 and jmp 2 bytes, and so on: padding ends it, or shows it (c8831bdbfbab)", () => {
    const lengths = (text: string): number[] => compiled(text, UP_TO_127).passes;
    const late = lengths(`${swing(0, `goto in\n${filler(121)}in:\n`)}exit`);
    const [long, short] = late.slice(2);
    expect(long - short).toBe(1);
    expect(late.slice(2, 15)).toEqual(Array.from({ length: 13 }, (_, i) => (i % 2 ? short : long)));
    expect(late.slice(15)).toEqual([long, long]);

    const error = failure(`${swing(0)}exit`, UP_TO_127); // a pass earlier, so the je grows when the padding begins
    expect(error.message).toBe("f: unexpected jump padding of -1 bytes");
    expect(error.slot).toBe(slotsIn(swing(0)) - 1);
  });

  it("with 123 the je is long from the start", () => {
    expect(compiled(`${swing(0)}exit`).passes).toHaveLength(4);
  });

  it("several push each other, till two passes are equally long by chance: then the last pass finds its code elsewhere", () => {
    const error = failure(`${[0, 1, 2, 3].map((i) => swing(i)).join("")}exit`, UP_TO_127);
    expect(error.message).toBe("f: the last pass moved an instruction by -4 bytes");
    expect(error.slot).toBe(0);
  });
});
