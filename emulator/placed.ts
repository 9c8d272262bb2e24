import { FLOW_CALL, type Image, type TrampolineSites } from "../bpf/image.ts";
import type { EventKind } from "./recording.ts";

/** A compiled function in guest memory. */
export interface PlacedFunction {
  readonly index: number;
  readonly image: Image;
  /** bpf_func */
  readonly entry: bigint;
  /** as the engine has them */
  readonly marks: Uint32Array;
  /** a trampoline is called at the patch site */
  attached: boolean;
}

/** What happens at which offset of an image. */
export function watchedPoints(image: Image): Map<number, EventKind[]> {
  const points = new Map<number, EventKind[]>();
  const add = (offset: number | undefined, kind: EventKind): void => {
    if (offset === undefined || offset >= image.bytes.length) return;
    const kinds = points.get(offset);
    if (kinds) kinds.push(kind);
    else points.set(offset, [kind]);
  };
  // a check in front of bpf_func may go on behind its first instruction
  add(image.checked ? image.patchSite : image.entry, "enter");
  add(image.landing, "land");
  add(image.body, "body");
  image.starts.forEach((_, i) => {
    if (image.flags[i] & FLOW_CALL) add(image.starts[i + 1], "resume");
  });
  for (const site of image.tailCalls) add(site.start, "tail");
  return points;
}

/** Jumps that the kernel writes into a trampoline's image that is replaced: from a patch site past programs. */
export function outJumps({ afterCall, epilogue, skips }: TrampolineSites): { site: number; to: number }[] {
  const jumps = skips.map(({ site, over }) => ({ site, to: over }));
  if (afterCall !== undefined && epilogue !== undefined) jumps.push({ site: afterCall, to: epilogue });
  return jumps;
}
