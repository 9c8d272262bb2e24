import { R8, R9, RCX, RDI, RDX, RSI } from "../../../emulator/engine.ts";
import type { Kernel } from "../../../emulator/kernel.ts";
import { callTo, enter, place, RET, rax } from "../guest.ts";

const ARGUMENTS = [RDI, RSI, RDX, RCX, R8, R9];

const code = (kernel: Kernel, name: string) =>
  place(kernel.machine, [["50", "push rax"], ...callTo(kernel.machine.symbol(name), name), ["59", "pop rcx"], RET]);

const registers = (args: bigint[]) => Object.fromEntries(args.map((arg, i) => [ARGUMENTS[i], arg]));

/** What a kernel function returns to guest code that calls it, as s64. */
export const call = (kernel: Kernel, name: string, ...args: bigint[]): bigint =>
  BigInt.asIntN(64, rax(kernel.machine, code(kernel, name), registers(args)));

/** What a kernel function says when it cannot go on with these arguments. */
export function faultOf(kernel: Kernel, name: string, ...args: bigint[]): string | undefined {
  enter(kernel.machine, code(kernel, name), registers(args));
  return kernel.machine.host.fault?.message;
}

/** Address of these bytes on the direct map. */
export function bytesAt(kernel: Kernel, bytes: Uint8Array | string): bigint {
  const data = typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
  const address = kernel.machine.heap.take(Math.max(8, data.length));
  kernel.machine.memory.write(address, data);
  return address;
}
