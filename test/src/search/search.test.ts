import { describe, expect, test } from "vitest";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { assembleScenario } from "../../../src/runner/build.ts";
import { runScenario } from "../../../src/runner/scenario.ts";
import { parseScenario } from "../../../src/scenario/load.ts";
import { enumerate } from "../../../src/search/enumerate.ts";
import { graphText } from "../../../src/search/graph.ts";
import { scenarioText } from "../../../src/search/scenario-text.ts";
import { search, together } from "../../../src/search/search.ts";

const scope = { functions: 2, calls: 2, slots: 1 };
const graphs = enumerate(scope);

describe("what a search over two functions finds", () => {
  test("a count by value: the hierarchy of 2024, with its exact count, though nobody told it where to look", () => {
    const { tried, broken, smallest } = search(profileNamed("linux-6.1")!, graphs, scope.slots);
    expect(tried).toBe(2 * graphs.length); // direct and indirect
    expect(broken).toBeGreaterThan(0);
    expect(graphText(smallest!.graph)).toBe("a: a1 a1, a1: [0]; [0]=a");
    expect(smallest!.exact).toMatchObject({ kind: "exact", tailCalls: 2n ** 34n - 2n });
  });

  test("every graph that breaks is counted to its end", () => {
    const { broken, counted, endless, most } = search(profileNamed("linux-6.1")!, graphs, scope.slots);
    expect([counted, endless]).toEqual([broken, 0]);
    expect(most).toBe(2n ** 34n - 2n);
  });

  test("the same in parts, whoever takes which graph", () => {
    const whole = search(profileNamed("linux-6.1")!, graphs, scope.slots);
    const parts = [0, 1, 2].map((part) => search(profileNamed("linux-6.1")!, graphs, scope.slots, { part, of: 3 }));
    expect({ ...together(parts.reverse()), ms: 0 }).toEqual({ ...whole, ms: 0 });
  });

  test("a count on the entry's stack: nothing", () => {
    const found = search(profileNamed("linux-6.12")!, graphs, scope.slots);
    expect(found).toMatchObject({ tried: 2 * graphs.length, broken: 0 });
    expect(found.smallest).toBeUndefined();
  });

  test("is a scenario file that holds", () => {
    const { smallest } = search(profileNamed("linux-6.1")!, graphs, scope.slots);
    const { graph, indexing, holds, exact } = smallest!;
    const breakage = { profile: "linux-6.1", check: "tail-call-limit", exact };
    const scenario = parseScenario(scenarioText(graph, indexing, holds, [breakage]), "found.yaml");
    const source = assembleScenario(scenario);
    expect(runScenario(scenario, source, "linux-6.1").verdict).toBe("breaks");
    expect(runScenario(scenario, source, "linux-6.12").verdict).toBe("pass");
  });
});
