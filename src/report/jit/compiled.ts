import type { Image } from "../../../bpf/image.ts";
import type { CodeLine } from "../../runner/code-listing.ts";

/** A program as one profile compiles it. */
export interface CompiledProgram {
  name: string;
  profile: string;
  functions: { image: Image; lines: CodeLine[] }[];
}

/** "55 48 89 e5" */
export const hexBytes = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex").replace(/..\B/g, "$& ");

export const hex = (value: number | bigint): string => `0x${value.toString(16)}`;
