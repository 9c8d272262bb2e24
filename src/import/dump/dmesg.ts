import { type Dump, type DumpedFunction, MOST_CODE } from "./dump.ts";
import { type DumpText, hexBytes } from "./text.ts";

/** "flen=12 proglen=66 pass=5 image=ffffffffc0000a8c from=test_progs pid=98" */
const HEADER = /\bflen=(\d{1,9}) proglen=(\d{1,9}) pass=(\d{1,9}) image=(\S+)(?: from=(\S+) pid=(\d{1,9}))?/;
/** "JIT code: 00000010: 55 48 89 e5", the address in place of the offset before 3.0 or so */
const CODE = /JIT code: ([0-9a-fA-F]{8,16}): ?/;
/** The fill of a program pack that nothing was written to yet. */
const isInt3 = (bytes: readonly number[]): boolean => bytes.length > 4 && bytes.every((byte) => byte === 0xcc);

interface Image {
  header: { line: number; column: number };
  flen: number;
  proglen: number;
  address?: bigint;
  hashed?: string;
  bytes: number[];
  first?: { line: number; column: number };
}

/** Whether a text has lines that bpf_jit_dump() writes. */
export const isDmesg = ({ lines }: DumpText): boolean => lines.some((line) => HEADER.test(line) || CODE.test(line));

/**
 * The kernel's log with net.core.bpf_jit_enable=2 (bpf_jit_dump): all images in it, whatever stands between and in front of their lines. A
 * function of several is compiled twice, and the second image is the one that runs. Throws UserError.
 */
export function parseDmesg(text: DumpText): Dump {
  const images: Image[] = [];
  const notes: string[] = [];
  text.lines.forEach((line, index) => {
    const header = HEADER.exec(line);
    if (header) {
      const last = images[images.length - 1];
      if (last) complete(text, last, { line: index + 1, column: header.index + 1 });
      images.push(imageOf(text, header, index + 1));
      return;
    }
    const code = CODE.exec(line);
    if (!code) return;
    const image = images[images.length - 1];
    if (image) append(text, image, line, index + 1, code);
    else if (!notes.length) notes.push(`line ${index + 1}: code whose first lines, with flen=, are gone: left out`);
  });
  if (!images.length)
    text.fail("code, but no line with flen=, proglen= and image=: the log's beginning is gone", text.end);
  complete(text, images[images.length - 1], text.end);
  const kept = images.filter(
    ({ address }, i) => address === undefined || !images.slice(i + 1).some((later) => later.address === address),
  );
  if (kept.length < images.length)
    notes.push(`${images.length - kept.length} images are left out, as others were written to the same address later`);
  const hashed = kept.find((image) => image.hashed !== undefined);
  if (hashed)
    notes.push(
      `line ${hashed.header.line}: image=${hashed.hashed} is no address but a hash of it (boot with no_hash_pointers): calls between images are not known`,
    );
  return { format: "the kernel's log with bpf_jit_enable=2", functions: kept.map(toFunction), bpf: [], notes };
}

const toFunction = ({ address, bytes, first, header }: Image): DumpedFunction => ({
  ...(address === undefined ? {} : { address }),
  bytes: Uint8Array.from(bytes),
  at: first ?? header,
});

function imageOf(
  text: DumpText,
  { 0: all, 1: flen, 2: proglen, 4: image, index }: RegExpExecArray,
  line: number,
): Image {
  const header = { line, column: index + 1 };
  const found: Image = { header, flen: Number(flen), proglen: Number(proglen), bytes: [] };
  const place = { line, column: index + 1 + all.indexOf("image=") + 6 };
  if (found.proglen === 0 || found.proglen > MOST_CODE)
    text.fail(`proglen=${proglen}: expected 1 to ${MOST_CODE} bytes`, {
      line,
      column: index + 1 + all.indexOf("proglen="),
    });
  if (/^\(.*ptrval.*\)$/.test(image)) return { ...found, hashed: image };
  if (!/^(0x)?[0-9a-f]{8,16}$/i.test(image)) text.fail(`image=${image.slice(0, 24)} is no address`, place);
  const address = BigInt(image.startsWith("0x") ? image : `0x${image}`);
  return address >> 47n === 0x1ffffn ? { ...found, address } : { ...found, hashed: image };
}

function append(text: DumpText, image: Image, line: string, number: number, code: RegExpExecArray): void {
  const start = code.index + code[0].length;
  const place = { line: number, column: code.index + "JIT code: ".length + 1 };
  const at = BigInt(`0x${code[1]}`);
  image.first ??= place;
  const offset =
    at > 0xffffffffn && image.address !== undefined ? at - image.address : at > 0xffffffffn ? undefined : at;
  if (offset !== undefined && offset !== BigInt(image.bytes.length))
    text.fail(`0x${code[1]} where 0x${image.bytes.length.toString(16)} comes next: lines of the log are gone`, place);
  const hex = line
    .slice(start)
    .replace(/\s{2,}.*$/, "")
    .trimEnd();
  if (/^[0-9a-f]{4}([0-9a-f]{4}){0,3}( |$)/i.test(hex))
    text.fail("words of several bytes, in whose order nobody can be sure; expected bytes such as 55 48 89 e5", {
      line: number,
      column: start + 1,
    });
  const bytes = hexBytes(text, number, start + 1, hex);
  image.bytes.push(...bytes);
  if (image.bytes.length > image.proglen)
    text.fail(`more bytes than the ${image.proglen} of proglen= (line ${image.header.line})`, place);
}

function complete(
  text: DumpText,
  { bytes, proglen, header, first }: Image,
  end: { line: number; column: number },
): void {
  if (bytes.length < proglen)
    text.fail(`the image of line ${header.line} ends after ${bytes.length} of ${proglen} bytes (cut short?)`, end);
  if (isInt3(bytes))
    text.fail(
      `all ${bytes.length} bytes are cc: this kernel dumps its image before it is written (5.18 and later); use bpftool prog dump jited ... opcodes`,
      first ?? header,
    );
}
