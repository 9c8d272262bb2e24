import type { ScenarioData } from "./data.ts";

/** The scenarios that are in the page, in its order. */
export const scenarioIds = (): string[] => [...packed()].map((script) => script.dataset.scenario!);

/** A scenario's data; undefined: it is not in the page. */
export async function unpack(id: string): Promise<ScenarioData | undefined> {
  const text = [...packed()].find((script) => script.dataset.scenario === id)?.textContent;
  if (!text) return undefined;
  const bytes = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

const packed = () => document.querySelectorAll<HTMLScriptElement>("script[data-scenario]");
