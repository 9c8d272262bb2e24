import { h } from "./dom.ts";
import type { MachineState, Word } from "./machine-state.ts";
import { foldRows } from "./stack-rows.ts";

/** Frames that are shown when not all are: outermost and innermost. */
const OUTER = 1;
const INNER = 4;

/** The stack as it is in a state: frames, outermost first, and their quadwords, highest address first. */
export function liveStack(state: MachineState, written: ReadonlySet<bigint>, all: boolean): HTMLElement {
  const { frames, rsp } = state;
  const rows = frames.map(({ name, top }, i) => ({
    name,
    top,
    low: i + 1 < frames.length ? frames[i + 1].top + 8n : rsp,
  }));
  const bodies = (all ? rows : foldRows(rows, OUTER, INNER)).map((row) => {
    if (typeof row === "number")
      return h("tbody", {}, h("tr", { class: "more" }, h("td", { colspan: 3 }, `… ${row} more frames`)));
    const head = h("tr", {}, h("th", { colspan: 3 }, row.name));
    return h("tbody", {}, head, ...slots(state, row.top, row.low).map((slot) => slotRow(slot, written)));
  });
  return h("table", { class: "slots" }, ...bodies);
}

interface Slot {
  address: bigint;
  word?: Word;
  /** quadwords that nobody wrote */
  blank?: number;
}

function slots({ words }: MachineState, top: bigint, low: bigint): Slot[] {
  const found: Slot[] = [];
  for (let address = top; address >= low; address -= 8n) {
    const word = words.get(address);
    const last = found[found.length - 1];
    if (word) found.push({ address, word });
    else if (address === top) found.push({ address, word: { value: "", place: "ret" } });
    else if (last?.blank) last.blank++;
    else found.push({ address, blank: 1 });
  }
  return found;
}

function slotRow({ address, word, blank }: Slot, written: ReadonlySet<bigint>): HTMLElement {
  const where = h("td", { class: "offset" }, `…${(address & 0xffffn).toString(16).padStart(4, "0")}`);
  if (!word) return h("tr", { class: "blank" }, where, h("td", { colspan: 2 }, `${8 * blank!} bytes, not written`));
  return h(
    "tr",
    { class: written.has(address) ? "changed" : undefined },
    where,
    h("td", { class: "place" }, (word.place ?? "").replace(/ of .*$/, "")),
    h("td", { class: "value" }, ...valueNodes(word.value)),
  );
}

/** "ffffc90000004ff0 &tcc": the number, and what it means. */
export function valueNodes(value: string): Node[] {
  if (!value) return [h("i", {}, "to the kernel")];
  const [number, ...means] = value.split(" ");
  const nodes: Node[] = [h("code", {}, `0x${number}`)];
  if (means.length) nodes.push(h("i", {}, ` ${means.join(" ")}`));
  return nodes;
}
