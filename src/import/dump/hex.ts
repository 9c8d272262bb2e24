import { type Dump, MOST_CODE } from "./dump.ts";
import type { DumpText } from "./text.ts";

/** "00000010: 4883 ec08 ..." of xxd, "00000010  48 83 ec 08 |H...|" of hexdump -C */
const NUMBERED =
  /^\s*([0-9a-fA-F]{1,16})(?::\s*|\s{2,})((?:[0-9a-fA-F]{2,16}\s{1,2})*[0-9a-fA-F]{2,16})(?:\s{2,}.*|\s*\|.*\|)?\s*$/;
const TOKEN = /\\x|0x|[\s,;"'{}[\]()]+/g;

/** Whether all of a text, but for comments, is hex digits and what stands between them. */
export function isHexText({ lines }: DumpText): boolean {
  let digits = 0;
  for (const line of lines) {
    const plain = withoutComment(line);
    const rest = isNumbered(plain) ? "00" : plain.replace(TOKEN, "");
    if (!/^[0-9a-fA-F]*$/.test(rest)) return false;
    digits += rest.length;
  }
  return digits > 0;
}

const withoutComment = (line: string): string => line.replace(/(#|\/\/).*$/, "");
const isNumbered = (line: string): boolean => /^\s*[0-9a-fA-F]+:/.test(line) || /\|.*\|\s*$/.test(line);

/**
 * Machine code in hex: "f3 0f 1e fa", "\xf3\x0f", "0xf3, 0x0f", "f30f1efa", or as xxd and hexdump -C write it. Comments begin with # or //.
 * Throws UserError.
 */
export function parseHex(text: DumpText, address?: bigint): Dump {
  const bytes: number[] = [];
  let at: { line: number; column: number } | undefined;
  text.lines.forEach((line, index) => {
    const plain = withoutComment(line);
    const numbered = isNumbered(plain) ? NUMBERED.exec(plain) : undefined;
    if (numbered === null) text.fail("expected an offset and bytes as xxd writes them", { line: index + 1, column: 1 });
    const digits = numbered ? numbered[2] : plain;
    const from = numbered ? plain.indexOf(numbered[2], numbered[1].length) : 0;
    for (const { 0: word, index: column } of digits.replace(/\\x|0x/g, "  ").matchAll(/[^\s,;"'{}[\]()]+/g)) {
      const place = { line: index + 1, column: from + column + 1 };
      const wrong = /[^0-9a-fA-F]/.exec(word);
      if (wrong) text.fail(`"${wrong[0]}" is no hex digit`, { ...place, column: place.column + wrong.index });
      if (word.length % 2) text.fail(`"${word.slice(-20)}" has an odd number of digits (cut short?)`, place);
      at ??= place;
      for (const byte of Buffer.from(word, "hex")) bytes.push(byte);
      if (bytes.length > MOST_CODE) text.fail(`more than ${MOST_CODE} bytes of code`, place);
    }
  });
  if (!bytes.length) text.fail("no bytes; expected hex such as f3 0f 1e fa", text.end);
  return {
    format: "hex",
    functions: [{ bytes: Uint8Array.from(bytes), at: at!, ...(address === undefined ? {} : { address }) }],
    bpf: [],
    notes: [],
  };
}
