import type { Run, State, Step } from "./data.ts";
import { h } from "./dom.ts";
import type { Listing } from "./listing.ts";
import { liveStack, valueNodes } from "./live-stack.ts";
import { MachineState, REGISTERS } from "./machine-state.ts";

const FLAGS: [bit: number, name: string][] = [
  [0, "CF"],
  [2, "PF"],
  [4, "AF"],
  [6, "ZF"],
  [7, "SF"],
  [11, "OF"],
];

/** A slider through the recorded states of a run: the instruction, registers, flags and stack behind each. */
export class Player {
  readonly element: HTMLElement;
  readonly #run: Run;
  readonly #listing: Listing;
  readonly #slider: HTMLInputElement;
  readonly #where = h("output", { class: "where", "aria-live": "polite" });
  readonly #state = h("div", { class: "state" });
  readonly #allFrames = h("input", { type: "checkbox", "data-keep": "frames" });
  /** instructions executed before each state */
  readonly #icounts: number[] = [];

  constructor(run: Run, listing: Listing) {
    this.#run = run;
    this.#listing = listing;
    let icount = 0;
    for (const state of run.states) {
      this.#icounts.push(icount);
      icount += "gap" in state ? state.gap : 1;
    }
    const last = Math.max(0, run.states.length - 1);
    this.#slider = h("input", {
      type: "range",
      class: "states",
      min: 0,
      max: last,
      value: this.#start(),
      "aria-label": "recorded states",
      input: () => this.#show(),
    });
    this.#allFrames.addEventListener("change", () => this.#show());
    this.element = h(
      "section",
      { class: "player" },
      this.#slider,
      this.#buttons(last),
      this.#where,
      this.#state,
      h("label", { class: "tools" }, this.#allFrames, " all frames"),
    );
    this.#show();
  }

  /** Go on by so many states. */
  step(by: number): void {
    this.#go(this.#at + by);
  }

  goTo(icount: number): void {
    const at = this.#icounts.findLastIndex((before) => before < icount);
    if (at >= 0) this.#go(at);
  }

  get #at(): number {
    return Number(this.#slider.value);
  }

  /** The finding, where one was recorded, else the first state. */
  #start(): number {
    return Math.max(0, this.#run.findings.find((index) => index >= 0) ?? 0);
  }

  #go(at: number): void {
    this.#slider.value = String(at);
    this.#show();
  }

  #buttons(last: number): HTMLElement {
    const { states, findings } = this.#run;
    const isTailCall = (state: State) => !("gap" in state) && state.a?.[0] === "tail-call";
    const finding = findings.find((index) => index >= 0);
    const button = (text: string, title: string, to: () => number) =>
      h("button", { type: "button", title, click: () => this.#go(to()) }, text);
    return h(
      "p",
      { class: "tools" },
      button("|‹", "first state", () => 0),
      button("‹", "one back (←)", () => this.#at - 1),
      button("›", "one on (→)", () => this.#at + 1),
      button("›|", "last state", () => last),
      states.some(isTailCall) &&
        button("next tail call", "to where the next tail call lands", () => {
          const next = states.findIndex((state, i) => i > this.#at && isTailCall(state));
          return next < 0 ? states.findIndex(isTailCall) : next;
        }),
      finding !== undefined && button("finding", "to the finding's instruction", () => finding),
    );
  }

  #show(): void {
    const at = this.#at;
    const state = new MachineState();
    for (const before of this.#run.states.slice(0, at)) state.apply(before);
    const shown = this.#run.states[at];
    if (!shown) return;
    state.apply(shown);
    const changed = (reg: number) => stepOf(shown)?.r?.[reg] !== undefined;
    this.#where.replaceChildren(...this.#place(shown, at));
    const written = new Set(stepOf(shown)?.w?.map(([address]) => BigInt(`0x${address}`) & ~7n));
    this.#state.replaceChildren(
      registerTable(state, changed),
      h(
        "p",
        { class: "flags" },
        ...FLAGS.map(([bit, name]) => h((state.flags >> bit) & 1 ? "b" : "s", {}, `${name} `)),
      ),
      ...this.#otherWrites(stepOf(shown)),
      liveStack(state, written, this.#allFrames.checked),
    );
  }

  #place(state: State, at: number): Node[] {
    const { insns, behind } = this.#run;
    const count = `${this.#icounts[at]}`;
    if ("gap" in state) return [h("b", {}, `${state.gap} instructions left out`), h("small", {}, `from ${count} on`)];
    const [name, offset, asm] = insns[state.i];
    this.#listing.show(name, offset);
    const broken = this.#run.findings.includes(at);
    const last = behind && at === this.#run.states.length - 1 ? `, ${behind} more are not recorded` : "";
    return [
      h("b", { class: broken ? "fail" : undefined }, broken ? `✗ ${asm}` : asm),
      h("small", {}, `${name}+0x${offset.toString(16)}, after ${count} instructions${last}`),
      ...(state.a ? [h("small", { class: "arrival" }, arrivalText(state.a))] : []),
    ];
  }

  /** What was written elsewhere than on the stack. */
  #otherWrites(step: Step | undefined): Node[] {
    const onStack = (address: bigint) =>
      this.#run.stacks.some(([low, high]) => address >= BigInt(`0x${low}`) && address < BigInt(`0x${high}`) + 8n);
    const others = step?.w?.filter(([address]) => !onStack(BigInt(`0x${address}`))) ?? [];
    return others.map(([address, , value, place]) =>
      h("p", { class: "changed" }, `${place ?? `0x${address}`} = `, ...valueNodes(value)),
    );
  }
}

const stepOf = (state: State): Step | undefined => ("gap" in state ? undefined : state);

function arrivalText([kind, name, nth]: NonNullable<Step["a"]>): string {
  if (kind === "tail-call") return `=> tail call ${nth}: ${name}`;
  if (kind === "return") return `<= back in ${name}`;
  return kind === "call" ? `=> call ${name}` : `== ${name}`;
}

function registerTable({ regs }: MachineState, changed: (reg: number) => boolean): HTMLElement {
  const cells = (reg: number) => [
    h("th", { scope: "row" }, REGISTERS[reg]),
    h("td", { class: changed(reg) ? "changed" : undefined }, ...valueNodes(regs[reg])),
  ];
  const rows = REGISTERS.map((_, reg) => h("tr", {}, ...cells(reg)));
  return h("table", { class: "registers" }, h("tbody", {}, ...rows));
}
