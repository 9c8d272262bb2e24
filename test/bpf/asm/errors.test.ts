import fc from "fast-check";
import { expect, test } from "vitest";
import { assemble } from "../../../bpf/asm/assemble.ts";
import { AsmError } from "../../../bpf/asm/error.ts";
import { HELPER_NAMES } from "../../../bpf/helper-ids.ts";

function errorOf(text: string): string {
  try {
    assemble(text, { maps: ["jmp_table", "counter"] });
  } catch (error) {
    if (error instanceof AsmError) return error.message;
    throw error;
  }
  return "none";
}

/** Text, and the message: line, column, what could stand there, what stands there. `|` is a line break. */
const ERRORS: [string, string][] = [
  ["goto end", '1:6: expected a label, found "end"'],
  ["loop: goto lop", '1:12: expected a label, found "lop"; did you mean loop?'],
  [
    "call bpf_map_lokup_elem",
    '1:6: expected a function or a helper, found "bpf_map_lokup_elem"; did you mean bpf_map_lookup_elem?',
  ],
  ["call tail_call", '1:6: expected a function or a helper, found "tail_call"; did you mean bpf_tail_call?'],
  ["r1 = jmp_tabel ll", '1:6: expected a map or a function, found "jmp_tabel"; did you mean jmp_table?'],
  ["r1 = counter[1] ll", '1:14: expected index 0, found "1"'],
  ["r1 = jmp_table", '1:15: expected "ll", found the end of the line'],
  ["r1 = r13", '1:6: expected a register, r0 to r10 or w0 to w10, found "r13"'],
  ["r1 += w2", '1:7: expected a register, r0 to r10, found "w2"'],
  ["r1 = -r2", '1:7: expected r1 again, found "r2"'],
  ["r1 ** r2", '1:4: expected an operator such as "=" or "+=", found "*"'],
  ["w1 = 5 ll", '1:6: expected a 64-bit register before a 64-bit number, found "5"'],
  [
    "r1 = 0x100000000",
    '1:6: expected a register or a 32-bit number between -2147483648 and 4294967295, found "4294967296"',
  ],
  ["r1 = 0x10000000000000000 ll", '1:6: expected a value of at most 64 bits, found "0x10000000000000000"'],
  ["r1 = *(u32 *)(r2 + 32768)", '1:18: expected a 16-bit offset between -32768 and 32767, found "32768"'],
  ["r1 = *(u33 *)(r2 + 0)", '1:8: expected a type, u8 to u64 or s8 to s32, found "u33"; did you mean u32?'],
  ["*(s8 *)(r1 + 0) = r2", '1:3: expected u8, u16, u32 or u64, found "s8"'],
  ["r2 = xchg_64(r1 + 0, r3)", '1:22: expected r2 again, found "r3"'],
  ["goto +32768", '1:6: expected a 16-bit distance between -32768 and 32767, found "32768"'],
  ["goto 1f", '1:6: expected a label "1:" below, found "1f"'],
  ["if r1 = 2 goto +1", '1:7: expected a comparison, found "="'],
  ["r0 = 1 exit", '1:8: expected the end of the instruction, found "exit"'],
  ["mov r1, r2", '1:1: expected an instruction, found "mov"'],
  ["r1 = 5 €", '1:8: expected an instruction, found "€"'],
  ["r1 = 09", '1:6: expected octal digits after a leading 0, found "09"'],
  ["a: exit|a: exit", '2:1: expected a label that is not yet taken, found "a" again'],
  ["exit|  /* so", '2:3: expected a closing "*/", found "/*"'],
];

test.each(ERRORS)("%s -> %s", (text, message) => expect(errorOf(text.replaceAll("|", "\n"))).toBe(message));

test("the error that stands first is reported, though labels are resolved last", () => {
  expect(errorOf("goto nowhere\nr1 = $\nr99 = 1")).toBe('1:6: expected a label, found "nowhere"');
  expect(errorOf("goto there\nthere: r1 = €")).toBe('2:13: expected an instruction, found "€"');
});

test("a label too far for 16 bits is an error, but not for gotol", () => {
  const far = `out\n${"exit\n".repeat(40_000)}out:`;
  expect(errorOf(`goto ${far}`)).toBe(
    '1:6: expected a target within -32768 and 32767, or gotol, found "out", 40000 away',
  );
  expect(errorOf(`gotol ${far}`)).toBe("none");
});

test("an AsmError says where and what in fields, too", () => {
  expect(() => assemble("\n  call bpf_tail_cal")).toThrow(
    expect.objectContaining({
      line: 2,
      column: 8,
      found: '"bpf_tail_cal"',
      expected: "a function or a helper",
      suggestion: "bpf_tail_call",
    }),
  );
});

/** errorOf lets every other error through. */
const assembles = (text: string): void => void errorOf(text);

test("any text assembles or is an AsmError", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 60 }), assembles), { numRuns: 2000 });
});

test("any sequence of words of the language assembles or is an AsmError", () => {
  const words =
    "r0 r1 r10 r11 w1 w12 = += s>>= s/ - + ~ ( ) [ ] , : * / % & | ^ < > == s> u8 u32 u64 s8 skb ll lock if goto gotol \
    may_goto gotox call callx exit kfunc pc tail_call poke nospec probe arena be16 bswap64 addr_space_cast void __percpu 0 1 7 -1 \
    0xffffffff 99999999999999999999 1f 1b 1: a a: a.b jmp_table counter ld_pseudo .8byte atomic_fetch_add xchg_64 cmpxchg32_32 \
    load_acquire store_release << >> /* */ // # ; \n".split(" ");
  const text = fc.array(fc.constantFrom(...words, ...HELPER_NAMES.slice(0, 3)), { maxLength: 25 });
  fc.assert(
    fc.property(text, (list) => assembles(list.join(" "))),
    { numRuns: 20_000 },
  );
});

test("deep nesting and huge numbers are errors, not crashes", () => {
  expect(errorOf(`r1 = ${"(".repeat(100_000)}`)).toMatch(/a simpler expression/);
  expect(errorOf(`r1 = ${"-".repeat(100_000)}1`)).toBe("none");
  expect(errorOf(`r1 = ${"9".repeat(100_000)}`)).toMatch(/at most 64 bits/);
  expect(errorOf("r1 = 1 << 63 << 63 ll")).toMatch(/at most 64 bits/);
});
