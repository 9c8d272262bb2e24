import type { CompiledProgram } from "./compiled.ts";

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

/** All that is known of compiled programs; u64 as decimal strings, offsets in bytes from the function's first byte. */
export function compiledJson(programs: readonly CompiledProgram[]): string {
  const all = programs.map(({ name, profile, functions }) => ({
    program: name,
    profile,
    functions: functions.map(({ image, lines }) => {
      const { starts: _, flags: __, notes: ___, ends, ...rest } = image;
      return {
        ...rest,
        address: String(image.address),
        bytes: hexOf(image.bytes),
        ends: [...ends],
        insns: lines.map((line) => ({ ...line, bytes: hexOf(line.bytes) })),
      };
    }),
  }));
  return `${JSON.stringify({ programs: all }, null, 2)}\n`;
}
