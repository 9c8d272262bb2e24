import { callTree } from "./calls.ts";
import type { Run, ScenarioData, ShownProblem, View } from "./data.ts";
import { h } from "./dom.ts";
import { Listing } from "./listing.ts";
import { pictures } from "./pictures.ts";
import { Player } from "./player.ts";
import { routeTo } from "./route.ts";

const MARKS = { pass: "✓", breaks: "✗", fail: "!!", skip: "–" };

/** A scenario on one profile. `player` is the slider that the arrow keys move. */
export interface ShownScenario {
  nodes: Node[];
  player: Player | undefined;
}

export function showScenario(data: ScenarioData, view: View): ShownScenario {
  const listing = new Listing(view);
  const shown = view.runs.map((run) => runSections(run, listing, view.runs.length));
  const first = shown.at(-1);
  return {
    nodes: [
      h("h2", {}, data.title),
      h("p", { class: "id" }, h("code", {}, data.id), data.source ? `  ${data.source}` : ""),
      tabs(data, view),
      verdict(view),
      ...view.problems.map(problem),
      data.about ? h("pre", { class: "about" }, data.about) : "",
      ...(view.functions.length
        ? [
            h(
              "div",
              { class: "bench" },
              h(
                "section",
                {},
                h("h3", {}, "Bytes and BPF"),
                listing.element,
                ...shown.flatMap(({ nodes }) => nodes),
                sourceText(data, view),
              ),
              h("section", { class: "states" }, h("h3", {}, "States"), ...shown.map(({ player }) => player)),
            ),
          ]
        : [sourceText(data, view)]),
    ].map((node) => (typeof node === "string" ? document.createTextNode(node) : node)),
    player: first?.control,
  };
}

function tabs({ id, views }: ScenarioData, current: View): HTMLElement {
  const links = views.map(({ profile, verdict }) =>
    h(
      "a",
      { href: routeTo(id, profile), class: verdict, "aria-current": profile === current.profile ? "page" : undefined },
      `${MARKS[verdict]} ${profile}`,
    ),
  );
  return h("nav", { class: "profiles", "aria-label": "profiles" }, ...links);
}

function verdict({ verdict, reason, facts, story }: View): HTMLElement {
  const words = { pass: "Holds", breaks: "Breaks, as declared", fail: "Not as declared", skip: "Does not apply" };
  const text = [reason, facts.join(", ")].filter(Boolean).join(": ");
  return h("p", {}, h("b", { class: verdict }, words[verdict]), text && `: ${text}.`, story ? ` ${story}` : "");
}

function problem({ name, message, details }: ShownProblem): HTMLElement {
  return h(
    "section",
    { class: "problem" },
    h("p", {}, h("b", { class: "fail" }, name), ` ${message}`),
    h(
      "dl",
      {},
      ...details.flatMap(([label, text]) => [
        h("dt", {}, label),
        h("dd", {}, text.includes("\n") ? h("pre", {}, text) : h("code", {}, text)),
      ]),
    ),
  );
}

function runSections(run: Run, listing: Listing, runs: number): { player: Node; control: Player; nodes: Node[] } {
  const control = new Player(run, listing);
  const name = runs > 1 ? ` of run ${run.number}: ${run.program}` : "";
  const player =
    runs > 1
      ? h(
          "details",
          { open: run.number === runs },
          h("summary", {}, `run ${run.number}: ${run.program}`),
          control.element,
        )
      : control.element;
  const nodes = [
    h("h3", {}, `Calls and tail calls${name}`),
    callTree(run.calls),
    ...(run.pictures.length
      ? [h("h3", {}, `The stack at each tail call${name}`), pictures(run, (icount) => control.goTo(icount))]
      : []),
  ];
  return { player, control, nodes };
}

/** The scenario's file; lines that problems are about are marked. */
function sourceText({ file, text }: ScenarioData, { problems }: View): HTMLElement {
  if (!text) return h("p", {}, h("code", {}, file));
  const blamed = new Set(problems.map(({ line }) => line));
  const lines = text
    .replace(/\n$/, "")
    .split("\n")
    .map((line, i) => h("li", { class: blamed.has(i + 1) ? "broken" : undefined }, h("code", {}, line || " ")));
  return h("details", { class: "source", open: true }, h("summary", {}, file), h("ol", {}, ...lines));
}
