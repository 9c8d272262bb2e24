import { describe } from "vitest";
import { kernels } from "../function.ts";
import { jited } from "../jited.ts";

describe("lower/byte-order", () => {
  jited(
    "to big endian, and swapped in any case: 16 bits by rotation; what is above is cleared",
    kernels("6.6"),
    {},
    `
    r1 = be16 r1
      66 c1 cf 08       rorw $0x8, %di
      0f b7 ff          movzwl %di, %edi
    r1 = bswap16 r1
      66 c1 cf 08       rorw $0x8, %di
      0f b7 ff          movzwl %di, %edi
    r9 = be16 r9
      66 41 c1 cf 08    rorw $0x8, %r15w
      45 0f b7 ff       movzwl %r15w, %r15d
    r1 = be32 r1
      0f cf             bswapl %edi
    r1 = bswap32 r1
      0f cf             bswapl %edi
    r9 = be64 r9
      49 0f cf          bswapq %r15
    r1 = bswap64 r1
      48 0f cf          bswapq %rdi
    exit
  `,
  );

  jited(
    "to little endian: only what is above is cleared",
    kernels(),
    {},
    `
    r1 = le16 r1
      0f b7 ff          movzwl %di, %edi
    r9 = le32 r9
      45 89 ff          movl %r15d, %r15d
    r1 = le64 r1
      (nothing)
    exit
  `,
  );
});
