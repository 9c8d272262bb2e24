import type { MemoryWrite, TracedStep } from "../../runner/trace/step.ts";

/** One step as one line of JSON; u64 as decimal strings, RFLAGS as numbers. */
export function stepJson(run: number, step: TracedStep): string {
  const { index, icount, instruction, arrival, registers, flags, writes, ended } = step;
  const { pc, function: name, offset, bytes, asm, note, from, isModel } = instruction;
  return `${JSON.stringify({
    index,
    run,
    icount,
    pc: String(pc),
    function: name,
    offset,
    bytes: Buffer.from(bytes).toString("hex"),
    asm,
    note,
    modelled: isModel || undefined,
    bpf: from.length ? from : undefined,
    arrival,
    registers: Object.fromEntries(
      registers.map(({ name: register, old, now, means }) => [register, { old: String(old), now: String(now), means }]),
    ),
    flags,
    writes: writes.map(writeJson),
    ended,
  })}\n`;
}

const writeJson = ({ address, old, now, ...rest }: MemoryWrite) => ({
  address: String(address),
  old: old === undefined ? null : String(old),
  now: String(now),
  ...rest,
});
