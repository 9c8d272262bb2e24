import type { Fn } from "../fn.ts";
import { emitReturn } from "./branch.ts";
import { jumpBy } from "./jump.ts";

/** The first exit is the epilogue; later ones jump to it. */
export function lowerExit(f: Fn, slot: number): void {
  if (f.exitSeen) return jumpBy(f, f.epilogue - f.ends[slot + 1], slot);
  f.exitSeen = true;
  f.epilogue = f.c.pos;
  f.frame.restore(f);
  emitReturn(f);
}
