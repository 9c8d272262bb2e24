import type { ScenarioData } from "./data.ts";
import { h } from "./dom.ts";
import type { Player } from "./player.ts";
import { parseRoute, routeTo } from "./route.ts";
import { showScenario } from "./scenario.ts";
import { startTheme } from "./theme.ts";
import { scenarioIds, unpack } from "./unpack.ts";

const overview = document.querySelector<HTMLElement>("#overview")!;
const place = document.querySelector<HTMLElement>("#scenario")!;
const filter = document.querySelector<HTMLInputElement>("#filter")!;
const ids = scenarioIds();
let shown: { data: ScenarioData; profile: string; player: Player | undefined } | undefined;

/** Show what the address names. */
async function navigate(): Promise<void> {
  const { scenario, profile } = parseRoute(location.hash);
  const data = scenario === shown?.data.id ? shown?.data : scenario && (await unpack(scenario));
  const view = data ? (data.views.find((one) => one.profile === profile) ?? data.views[0]) : undefined;
  overview.hidden = Boolean(view);
  place.hidden = !view;
  if (!data || !view) {
    shown = undefined;
    document.title = "jitproof report";
    return;
  }
  const { nodes, player } = showScenario(data, view);
  const stay = shown?.data.id === data.id;
  shown = { data, profile: view.profile, player };
  place.replaceChildren(neighbours(data.id), ...nodes);
  player?.step(0); // now that there is something to scroll
  document.title = `${data.id} on ${view.profile} - jitproof report`;
  if (!stay) window.scrollTo(0, 0);
}

function neighbours(id: string): HTMLElement {
  const at = ids.indexOf(id);
  const link = (to: string | undefined, text: string) =>
    to === undefined ? h("span") : h("a", { href: routeTo(to, shown?.profile ?? "") }, text);
  return h(
    "nav",
    { class: "neighbours", "aria-label": "scenarios" },
    link(ids[at - 1], `‹ ${ids[at - 1]}`),
    h("a", { href: "#" }, "all scenarios"),
    link(ids[at + 1], `${ids[at + 1]} ›`),
    h("small", {}, "keys: ← → a state, Shift ten, j k scenarios, [ ] profiles, Esc all"),
  );
}

function go(scenario: string | undefined, profile = shown?.profile ?? ""): void {
  if (scenario !== undefined) location.hash = routeTo(scenario, profile);
}

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
  if (event.key === "/" && !shown) {
    event.preventDefault();
    filter.focus();
  }
  if (!shown) return;
  const { data, profile, player } = shown;
  const at = ids.indexOf(data.id);
  const tab = data.views.findIndex((view) => view.profile === profile);
  const by = event.shiftKey ? 10 : 1;
  const act: Record<string, () => void> = {
    ArrowLeft: () => player?.step(-by),
    ArrowRight: () => player?.step(by),
    j: () => go(ids[at + 1]),
    k: () => go(ids[at - 1]),
    "[": () => go(data.id, data.views[tab - 1]?.profile ?? profile),
    "]": () => go(data.id, data.views[tab + 1]?.profile ?? profile),
    Escape: () => go(""),
  };
  if (!act[event.key]) return;
  event.preventDefault();
  if (event.key === "Escape") location.hash = "";
  else act[event.key]();
}

filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/);
  for (const row of document.querySelectorAll<HTMLElement>("#matrix tbody tr"))
    row.hidden = !words.every((word) => row.dataset.name!.includes(word));
});
window.addEventListener("hashchange", () => void navigate());
window.addEventListener("keydown", onKey);
startTheme(document.querySelector<HTMLElement>("#theme")!);
void navigate();
