import { describe } from "vitest";
import { ADD, AND, OR, XOR } from "../../../../jit/x86/encode/alu.ts";
import * as memory from "../../../../jit/x86/encode/memory.ts";
import {
  at,
  atIndex,
  BASE,
  DISPLACEMENT,
  dispBytes,
  INDEX,
  INT8,
  INT32,
  NAMES,
  NEAR_OR_FAR,
  oneOf,
  ptr,
  REGISTER,
  reg,
  rexBytes,
  W,
} from "./operands.ts";
import { EncoderSpecs } from "./spec.ts";

const specs = new EncoderSpecs(memory);
const spec = specs.spec.bind(specs);

const BYTES = oneOf(1, 2, 4, 8);
const ATOMIC = oneOf(
  ["add", ADD],
  ["or", OR],
  ["and", AND],
  ["xor", XOR],
  ["xadd", memory.XADD],
  ["xchg", memory.XCHG],
  ["cmpxchg", memory.CMPXCHG],
);

/** spl, bpl, sil, dil are ah, ch, dh, bh without REX. */
const byteNeedsRex = (src: number): number => (src >= 4 ? 1 : 0);
const twoByteOpcode = (opcode: number): number => (opcode > 0xff ? 1 : 0);
/** Name of the register that a load of so many bytes fills: bytes and words are extended to 64 bits. */
const loaded = (bytes: number, dst: number): string => reg(dst, bytes !== 4);
const extending = (bytes: number): string => (bytes <= 2 ? "movzx" : "mov");
const extendingSigned = (bytes: number): string => (bytes === 4 ? "movsxd" : "movsx");
const truncated = (bytes: number, imm: number): bigint => BigInt.asIntN(8 * bytes, BigInt(imm));

describe("encode/memory: [base + off], base anything but rsp and r12", () => {
  spec(memory.load, "zero-extended to 64 bits", [BYTES, REGISTER, BASE, DISPLACEMENT], (bytes, dst, base, off) => ({
    emit: (c) => memory.load(c, bytes, dst, base, off),
    text: `${extending(bytes)} ${loaded(bytes, dst)}, ${ptr(bytes)} ${at(base, off)}`,
    bytes: (bytes <= 2 ? 4 : 2 + rexBytes(bytes === 8, dst, base)) + dispBytes(off),
  }));

  spec(
    memory.loadSigned,
    "sign-extended to 64 bits",
    [oneOf(1, 2, 4), REGISTER, BASE, DISPLACEMENT],
    (bytes, dst, base, off) => ({
      emit: (c) => memory.loadSigned(c, bytes, dst, base, off),
      text: `${extendingSigned(bytes)} ${reg(dst)}, ${ptr(bytes)} ${at(base, off)}`,
      bytes: (bytes === 4 ? 3 : 4) + dispBytes(off),
    }),
  );

  spec(
    memory.store,
    "a byte of rsp, rbp, rsi and rdi takes REX (aee194b14dd2)",
    [BYTES, BASE, DISPLACEMENT, REGISTER],
    (bytes, base, off, src) => ({
      emit: (c) => memory.store(c, bytes, base, off, src),
      text: `mov ${ptr(bytes)} ${at(base, off)}, ${NAMES[8 * bytes][src]}`,
      bytes:
        (bytes === 2 ? 3 : 2) +
        Math.max(rexBytes(bytes === 8, base, src), bytes === 1 ? byteNeedsRex(src) : 0) +
        dispBytes(off),
    }),
  );

  spec(memory.storeImm, "what of imm fits", [BYTES, BASE, DISPLACEMENT, INT32], (bytes, base, off, imm) => ({
    emit: (c) => memory.storeImm(c, bytes, base, off, imm),
    text: `mov ${ptr(bytes)} ${at(base, off)}, ${truncated(bytes, imm)}`,
    bytes: (bytes === 2 ? 3 : 2) + rexBytes(bytes === 8, base) + dispBytes(off) + Math.min(bytes, 4),
  }));

  spec(
    memory.atomic,
    "lock op [mem], src",
    [ATOMIC, W, BASE, DISPLACEMENT, REGISTER],
    ([name, opcode], w, base, off, src) => ({
      emit: (c) => memory.atomic(c, opcode, w, base, off, src),
      text: `lock ${name} ${ptr(w ? 8 : 4)} ${at(base, off)}, ${reg(src, w)}`,
      bytes: 3 + rexBytes(w, base, src) + twoByteOpcode(opcode) + dispBytes(off),
    }),
  );

  spec(memory.atomic, "xchg locks by itself", [W, BASE, DISPLACEMENT, REGISTER], (w, base, off, src) => ({
    emit: (c) => memory.atomic(c, memory.XCHG, w, base, off, src, false),
    text: `xchg ${ptr(w ? 8 : 4)} ${at(base, off)}, ${reg(src, w)}`,
    bytes: 2 + rexBytes(w, base, src) + dispBytes(off),
  }));

  spec(memory.lea, "64 bits", [REGISTER, BASE, DISPLACEMENT], (dst, base, off) => ({
    emit: (c) => memory.lea(c, dst, base, off),
    text: `lea ${reg(dst)}, ${at(base, off)}`,
    bytes: 3 + dispBytes(off),
  }));

  spec(memory.cmpMemReg, "the memory operand comes first", [W, BASE, DISPLACEMENT, REGISTER], (w, base, off, n) => ({
    emit: (c) => memory.cmpMemReg(c, w, base, off, n),
    text: `cmp ${ptr(w ? 8 : 4)} ${at(base, off)}, ${reg(n, w)}`,
    bytes: 2 + rexBytes(w, base, n) + dispBytes(off),
  }));

  spec(
    memory.loadFrame,
    "four bytes of displacement, whatever the value",
    [W, REGISTER, BASE, INT32],
    (w, dst, base, off) => ({
      emit: (c) => memory.loadFrame(c, w, dst, base, off),
      text: `mov ${reg(dst, w)}, ${ptr(w ? 8 : 4)} ${at(base, off)}`,
      bytes: 6 + rexBytes(w, dst, base),
    }),
  );

  spec(memory.storeFrame, "likewise", [W, BASE, INT32, REGISTER], (w, base, off, src) => ({
    emit: (c) => memory.storeFrame(c, w, base, off, src),
    text: `mov ${ptr(w ? 8 : 4)} ${at(base, off)}, ${reg(src, w)}`,
    bytes: 6 + rexBytes(w, base, src),
  }));

  spec(memory.subFrame, "likewise, 32 bits", [REGISTER, BASE, INT32], (dst, base, off) => ({
    emit: (c) => memory.subFrame(c, dst, base, off),
    text: `sub ${reg(dst, false)}, ${ptr(4)} ${at(base, off)}`,
    bytes: 6 + rexBytes(false, dst, base),
  }));
});

describe("encode/memory: [base + index + off], base anything, index anything but rsp", () => {
  spec(
    memory.loadIndexed,
    "zero-extended; REX in any case",
    [BYTES, REGISTER, REGISTER, INDEX, NEAR_OR_FAR],
    (bytes, dst, base, index, off) => ({
      emit: (c) => memory.loadIndexed(c, bytes, dst, base, index, off),
      text: `${extending(bytes)} ${reg(dst, bytes === 8)}, ${ptr(bytes)} ${atIndex(base, index, off)}`,
      bytes: (bytes <= 2 ? 5 : 4) + dispBytes(off),
    }),
  );

  spec(
    memory.loadSignedIndexed,
    "sign-extended to 64 bits",
    [oneOf(1, 2, 4), REGISTER, REGISTER, INDEX, NEAR_OR_FAR],
    (bytes, dst, base, index, off) => ({
      emit: (c) => memory.loadSignedIndexed(c, bytes, dst, base, index, off),
      text: `${extendingSigned(bytes)} ${reg(dst)}, ${ptr(bytes)} ${atIndex(base, index, off)}`,
      bytes: (bytes === 4 ? 4 : 5) + dispBytes(off),
    }),
  );

  spec(
    memory.storeIndexed,
    "REX in any case, so that sil is not dh",
    [BYTES, REGISTER, INDEX, NEAR_OR_FAR, REGISTER],
    (bytes, base, index, off, src) => ({
      emit: (c) => memory.storeIndexed(c, bytes, base, index, off, src),
      text: `mov ${ptr(bytes)} ${atIndex(base, index, off)}, ${NAMES[8 * bytes][src]}`,
      bytes: (bytes === 2 ? 5 : 4) + dispBytes(off),
    }),
  );

  spec(
    memory.storeImmIndexed,
    "what of imm fits",
    [BYTES, REGISTER, INDEX, NEAR_OR_FAR, INT32],
    (bytes, base, index, off, imm) => ({
      emit: (c) => memory.storeImmIndexed(c, bytes, base, index, off, imm),
      text: `mov ${ptr(bytes)} ${atIndex(base, index, off)}, ${truncated(bytes, imm)}`,
      bytes: (bytes === 2 ? 5 : 4) + dispBytes(off) + Math.min(bytes, 4),
    }),
  );

  spec(
    memory.atomicIndexed,
    "with lock, or for xchg without",
    [ATOMIC, W, REGISTER, INDEX, NEAR_OR_FAR, oneOf(0, 3, 6, 8, 12, 15)],
    ([name, opcode], w, base, index, off, src) => ({
      emit: (c) => memory.atomicIndexed(c, opcode, w, base, index, off, src, name !== "xchg"),
      text: `${name === "xchg" ? "" : "lock "}${name} ${ptr(w ? 8 : 4)} ${atIndex(base, index, off)}, ${reg(src, w)}`,
      bytes: (name === "xchg" ? 4 : 5) + twoByteOpcode(opcode) + dispBytes(off),
    }),
  );

  spec(
    memory.loadScaled8,
    "an array of pointers; four bytes of displacement, whatever the value",
    [REGISTER, REGISTER, INDEX, DISPLACEMENT],
    (dst, base, index, off) => ({
      emit: (c) => memory.loadScaled8(c, dst, base, index, off),
      text: `mov ${reg(dst)}, qword ptr ${atIndex(base, index, off, 8)}`,
      bytes: 8,
    }),
  );

  spec(
    memory.leaScaled8,
    "the address instead",
    [REGISTER, REGISTER, INDEX, DISPLACEMENT],
    (dst, base, index, off) => ({
      emit: (c) => memory.leaScaled8(c, dst, base, index, off),
      text: `lea ${reg(dst)}, ${atIndex(base, index, off, 8)}`,
      bytes: 8,
    }),
  );
});

describe("encode/memory: other addresses", () => {
  const plain = BASE.edges.filter((base) => (base & 7) !== 5); // without displacement rbp and r13 mean "disp32 only"

  spec(
    memory.opMemImm8,
    "no displacement: base is none of rsp, r12, rbp, r13",
    [oneOf(["add", 0], ["or", 1], ["and", 4], ["sub", 5], ["xor", 6], ["cmp", 7]), W, oneOf(...plain), INT8],
    ([name, digit], w, base, imm) => ({
      emit: (c) => memory.opMemImm8(c, digit, w, base, imm),
      text: `${name} ${ptr(w ? 8 : 4)} [${reg(base)}], ${imm}`,
      bytes: 3 + rexBytes(w, base),
    }),
  );

  spec(memory.cmpMemImm8, "any displacement", [W, BASE, DISPLACEMENT, INT8], (w, base, off, imm) => ({
    emit: (c) => memory.cmpMemImm8(c, w, base, off, imm),
    text: `cmp ${ptr(w ? 8 : 4)} ${at(base, off)}, ${imm}`,
    bytes: 3 + rexBytes(w, base) + dispBytes(off),
  }));

  spec(
    memory.opRegGs,
    "gs:disp32: not rip-relative, sign-extended to 64 bits",
    [oneOf(["add", 0x03], ["mov", 0x8b]), REGISTER, INT32],
    ([name, opcode], dst, off) => ({
      emit: (c) => memory.opRegGs(c, opcode, dst, off),
      text: `${name} ${reg(dst)}, qword ptr gs:[${BigInt.asUintN(64, BigInt(off))}]`,
      bytes: 9,
    }),
  );

  spec(
    memory.loadGs,
    "the same address; no register beyond rdi",
    [oneOf(4, 8), oneOf(0, 1, 2, 3, 4, 5, 6, 7), INT32],
    (size, dst, off) => ({
      emit: (c) => memory.loadGs(c, size, dst, off),
      text: `mov ${reg(dst, size === 8)}, ${ptr(size)} gs:[${BigInt.asUintN(64, BigInt(off))}]`,
      bytes: size === 8 ? 9 : 8,
    }),
  );

  spec(memory.loadPlain, "likewise; REX in any case", [REGISTER, oneOf(...plain)], (dst, base) => ({
    emit: (c) => memory.loadPlain(c, dst, base),
    text: `mov ${reg(dst)}, ${ptr(8)} [${reg(base)}]`,
    bytes: 3,
  }));

  spec(memory.storeAtRsp, "what lies on top of the stack", [REGISTER], (src) => ({
    emit: (c) => memory.storeAtRsp(c, src),
    text: `mov ${ptr(8)} [rsp], ${reg(src)}`,
    bytes: 4,
  }));

  specs.complete();
});
