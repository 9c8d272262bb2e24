import { inflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { htmlPage, pack } from "../../../../src/report/html/document.ts";
import type { RunResult } from "../../../../src/runner/result.ts";

const base = { file: "x.yaml", tailCalls: 33n, instructions: 1, maxStack: 8, findings: [], mismatches: [], ms: 1 };
const result = (scenario: string, profile: string, verdict: RunResult["verdict"] = "pass"): RunResult => ({
  ...base,
  scenario,
  profile,
  verdict,
  title: "a title",
});
const assets = { script: "start();", style: "a{}" };

describe("the page", () => {
  test("fetches nothing, and says so to the browser", () => {
    const page = htmlPage([result("a", "p")], new Map(), assets);
    expect(page).toContain(
      `content="default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"`,
    );
    expect(page).not.toMatch(/(src|href)="(?!#)/);
  });

  test("has a cell for each result, which leads to it", () => {
    const page = htmlPage([result("a/b c", "p"), result("a/b c", "q+r", "fail")], new Map(), assets);
    expect(page).toContain('<td class="pass"><a href="#a/b%20c@p" title="holds; 33 tail calls">✓ 33</a></td>');
    expect(page).toContain('<td class="fail"><a href="#a/b%20c@q+r" title="not as declared">!! broken</a></td>');
    expect(page).toContain('1 passed, <strong class="fail">1 failed</strong>');
  });

  test("a profile that few scenarios are about has no column, its results stand in the last one", () => {
    const many = Array.from({ length: 9 }, (_, i) => result(`s${i}`, "p"));
    const page = htmlPage([...many, result("s9", "p"), result("s9", "rare", "breaks")], new Map(), assets);
    expect(page.match(/<th scope="col">[^<]*/g)?.map((head) => head.slice(16))).toEqual(["scenario", "p", "others"]);
    expect(page).toContain(
      '<td class="others"><a class="breaks" href="#s9@rare" title="breaks, as declared">rare ✗ broken</a></td>',
    );
  });

  test("text of scenarios is text in the page, wherever it stands", () => {
    const evil = '</script><script>alert("&")</script>';
    const results = [{ ...result(evil, evil), title: evil }];
    const page = htmlPage(results, new Map([[evil, "AAAA"]]), assets);
    expect(page).not.toContain("<script>alert");
    expect(page).toContain('data-scenario="&lt;/script&gt;&lt;script&gt;alert(&quot;&amp;&quot;)');
  });

  test("its own script and style cannot end their elements", () => {
    const page = htmlPage([], new Map(), { script: 'x="</script><!--";', style: 'a{content:"</style>"}' });
    expect(page.match(/<\/script>/g)).toHaveLength(1);
    expect(page.match(/<\/style>/g)).toHaveLength(1);
    expect(page).not.toContain("<!--");
  });

  test("a scenario is packed as base64 of deflated JSON", () => {
    const data = { id: "a", title: "é", file: "a.yaml", text: "x".repeat(5000), views: [] };
    const packed = pack(data);
    expect(packed.length).toBeLessThan(200);
    expect(JSON.parse(inflateRawSync(Buffer.from(packed, "base64")).toString())).toEqual(data);
  });
});
