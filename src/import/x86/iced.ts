import { createRequire } from "node:module";
import type * as Iced from "iced-x86";

let loaded: typeof Iced | undefined;

/** iced-x86, a WebAssembly disassembler: loaded when first needed, as that takes a tenth of a second. */
export function iced(): typeof Iced {
  loaded ??= createRequire(import.meta.url)("iced-x86") as typeof Iced;
  return loaded;
}
