import { describe, expect, test } from "vitest";
import { profileNamed } from "../../../jit/profiles/index.ts";
import { assembleScenario } from "../../../src/runner/build.ts";
import { runScenario } from "../../../src/runner/scenario.ts";
import { parseScenario } from "../../../src/scenario/load.ts";
import { enumerate } from "../../../src/search/enumerate.ts";
import { scenarios } from "../../../src/search/files.ts";
import { graphText } from "../../../src/search/graph.ts";
import { search, together } from "../../../src/search/search.ts";

const scope = { functions: 2, calls: 2, slots: 1 };
const graphs = enumerate(scope);

describe("what a search over two functions finds", () => {
  test("a count by value: the hierarchy of 2024, with its exact count, though nobody told it where to look", () => {
    const { tried, broken, smallest } = search(profileNamed("linux-6.1")!, graphs, scope.slots);
    expect(tried).toBe(2 * (2 * graphs.length) - broken); // direct and indirect, traced where they hold without
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

  test("a count on the entry's stack: nothing, traced or not", () => {
    const found = search(profileNamed("linux-6.12")!, graphs, scope.slots);
    expect(found).toMatchObject({ tried: 4 * graphs.length, broken: 0, traced: 0 });
    expect([found.smallest, found.smallestTraced]).toEqual([undefined, undefined]);
  });

  test("a count that belongs to the task, or the CPU: a tracer that tail-calls starts it over", () => {
    const how = ["rfc-percpu-v2", "rfc-task-inline", "rfc-verifier-percpu"].map((name) => {
      const { broken, smallestTraced } = search(profileNamed(name)!, graphs, scope.slots);
      return [broken, graphText(smallestTraced!.graph), smallestTraced!.trial.how];
    });
    expect(how).toEqual(how.map(() => [0, "a: a1 [0], a1: -; [0]=a", "limit"]));
  });

  test("is written to scenario files that hold", () => {
    const broken = ["linux-6.1", "rfc-percpu-v2", "rfc-task-inline"];
    const texts = scenarios(broken.map((name) => search(profileNamed(name)!, graphs, scope.slots)));
    const verdicts = texts.map((text) => {
      const scenario = parseScenario(text, "found.yaml");
      const source = assembleScenario(scenario);
      const verdictOn = (name: string) => runScenario(scenario, source, name).verdict;
      return [...broken, "linux-6.12"].map(verdictOn).join(" ");
    });
    expect(verdicts).toEqual([
      "breaks pass pass pass", // the hierarchy
      "breaks pass pass pass", // one call, traced: the trampoline loses the count
      "pass breaks breaks pass", // traced: the tracer's tail call starts the count over
    ]);
  });
});
