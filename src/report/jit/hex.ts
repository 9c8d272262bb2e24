import { type CompiledProgram, hexBytes } from "./compiled.ts";

const PER_LINE = 16;

/** Bytes by function, 16 a line behind their offset, in the form of `bpftool prog dump jited`. */
export function* listHex({ functions }: CompiledProgram): Generator<string> {
  for (const { image } of functions) {
    yield `${image.name}:\n`;
    for (let at = 0; at < image.bytes.length; at += PER_LINE)
      yield `${at.toString(16).padStart(4)}:\t${hexBytes(image.bytes.subarray(at, at + PER_LINE))}\n`;
    yield "\n";
  }
}
