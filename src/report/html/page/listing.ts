import type { CodeRow, FunctionCode, View } from "./data.ts";
import { h } from "./dom.ts";

/** A view's machine code beside the BPF instructions that it was made from. */
export class Listing {
  readonly element: HTMLElement;
  readonly #rows = new Map<string, HTMLElement>();
  #current: HTMLElement | undefined;

  constructor({ functions, problems }: View) {
    this.element = h("div", { class: "listing", tabindex: 0, "aria-label": "machine code" });
    for (const code of functions) this.element.append(this.#functionTable(code));
    for (const { at, name } of problems) {
      const row = at && this.#rowAt(at.function, at.offset);
      row?.classList.add("broken");
      row?.lastElementChild?.append(h("b", { class: "fail" }, `  ✗ ${name}`));
    }
  }

  /** Mark the instruction that a state is about, and bring it into view. */
  show(name: string, offset: number): void {
    this.#current?.classList.remove("current");
    this.#current = this.#rowAt(name, offset);
    if (!this.#current) return;
    this.#current.classList.add("current");
    const { element } = this;
    const at = this.#current.getBoundingClientRect().top - element.getBoundingClientRect().top;
    if (at < 40 || at > element.clientHeight - 60) element.scrollTop += at - element.clientHeight / 3;
  }

  #rowAt(name: string, offset: number): HTMLElement | undefined {
    return this.#rows.get(`${name}+${offset}`);
  }

  #functionTable({ name, address, size, lines }: FunctionCode): HTMLElement {
    const body = h("tbody");
    for (const line of lines) {
      const rows = rowsOf(line);
      this.#rows.set(`${name}+${line.offset}`, rows[rows.length - 1]);
      body.append(...rows);
    }
    return h(
      "table",
      { class: "code" },
      h("caption", {}, h("b", {}, name), `  0x${address}, ${size} bytes`),
      h(
        "thead",
        { class: "sr" },
        h("tr", {}, ...["BPF", "offset", "bytes", "x86-64", ""].map((text) => h("th", {}, text))),
      ),
      body,
    );
  }
}

/** BPF instructions that have no code of their own come first, each on a row. */
function rowsOf({ offset, bytes, asm, note, bpf = [] }: CodeRow): HTMLElement[] {
  const text = (i: number) => h("td", { class: "bpf" }, `${String(bpf[i].insn).padStart(3)}: ${bpf[i].text}`);
  const without = bpf.slice(0, -1).map((_, i) => h("tr", { class: "starts" }, text(i), h("td", { colspan: 4 })));
  const row = h(
    "tr",
    { class: bpf.length ? "starts" : undefined },
    bpf.length ? text(bpf.length - 1) : h("td", { class: "bpf" }),
    h("td", { class: "offset" }, `+0x${offset.toString(16)}`),
    h("td", { class: "bytes" }, bytes),
    h("td", { class: "asm" }, asm),
    h("td", { class: "note" }, note ?? ""),
  );
  return [...without, row];
}
