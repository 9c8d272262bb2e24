import type { ExtableEntry, Image, PokeSite } from "../../bpf/image.ts";

/** A fault in what the JIT says about its bytes: where they are patched, and where they may fault. */
export interface ImageFault {
  site: string;
  name: string;
  notice: string;
  apply(image: Image): Image | undefined;
}

const ofPokes = (name: string, notice: string, change: (site: PokeSite) => PokeSite | undefined): ImageFault => ({
  site: "tail call, direct: poke descriptor",
  name,
  notice,
  apply(image) {
    const pokes = image.pokes.map(change);
    return image.pokes.length && pokes.every((site) => site !== undefined) ? { ...image, pokes } : undefined;
  },
});

const ofExtable = (
  name: string,
  notice: string,
  change: (entry: ExtableEntry) => ExtableEntry | undefined,
): ImageFault => ({
  site: "probe: exception table",
  name,
  notice,
  apply(image) {
    if (!image.extable.length) return undefined;
    return { ...image, extable: image.extable.flatMap((entry) => change(entry) ?? []) };
  },
});

export const IMAGE_FAULTS: readonly ImageFault[] = [
  ofPokes("bypass and target exchanged", "a slot that is set, and one that is emptied", (site) =>
    site.bypass === undefined ? undefined : { ...site, bypass: site.target, target: site.bypass },
  ),
  ofPokes("bypass left alone", "a slot that is set later", ({ bypass, ...site }) =>
    bypass === undefined ? undefined : site,
  ),
  ofPokes("lands 4 bytes farther", "a tail call into a function with a frame", (site) => ({
    ...site,
    adjust: site.adjust + 4,
  })),
  ofPokes("lands at bpf_func", "a count, or the saved rbp", (site) => ({ ...site, adjust: 0 })),
  ofPokes("another slot", "two slots with different programs", (site) => ({ ...site, key: site.key + 1 })),
  ofExtable("no entry", "a load that faults", () => undefined),
  ofExtable("the register is not cleared", "the value of a load that faults", ({ clear, ...entry }) => entry),
  ofExtable("goes on one byte farther", "what follows a load that faults", (entry) => ({
    ...entry,
    length: entry.length + 1,
  })),
  ofExtable("at the next byte", "a load that faults", (entry) => ({ ...entry, offset: entry.offset + 1 })),
];
