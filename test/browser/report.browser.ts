import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { chromiumPath } from "./chromium.ts";

const folder = mkdtempSync(join(tmpdir(), "jitproof-browser-"));
const file = join(folder, "report.html");
let browser: Browser;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  const bin = fileURLToPath(new URL("../../dist/jitproof.js", import.meta.url));
  const { stderr, status } = spawnSync(process.execPath, [bin, "report", "--html", file], { encoding: "utf8" });
  expect([stderr, status]).toEqual(["", 0]);
  browser = await chromium.launch({ executablePath: chromiumPath(), args: ["--no-sandbox"] });
}, 300_000);

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  complaints = [];
  page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("request", (request) => {
    if (!request.url().startsWith("file:")) complaints.push(`fetches ${request.url()}`);
  });
});

afterEach(async () => {
  await page.close();
  expect(complaints).toEqual([]);
});

const open = async (hash = "") => {
  await page.goto(`${pathToFileURL(file)}${hash}`);
  if (hash) await page.waitForSelector("#scenario h2");
};
const where = () => page.locator(".where").last().innerText();
const visible = (selector: string) => page.locator(selector).filter({ visible: true }).count();

describe("the catalogue's report in Chromium, from a file", () => {
  test("is under 5 MB", () => {
    expect(statSync(file).size).toBeLessThan(5_000_000);
  });

  test("every scenario opens, with its code and its states", async () => {
    await open();
    const hashes = await page.$$eval("#matrix tbody th a", (links) => links.map((a) => a.getAttribute("href")!));
    expect(hashes.length).toBeGreaterThan(150);
    const wrong = await page.evaluate(async (all) => {
      const wrong: string[] = [];
      for (const hash of all) {
        const title = decodeURI(hash.slice(1)).replace("@", " on ");
        location.hash = hash;
        for (let i = 0; i < 400 && !document.title.startsWith(title); i++)
          await new Promise((resolve) => setTimeout(resolve, 5));
        const code = document.querySelector(".code .asm");
        const state = document.querySelector(".where")?.textContent;
        if (!document.title.startsWith(title) || !code || !state) wrong.push(`${hash}: ${document.title}`);
      }
      return wrong;
    }, hashes);
    expect(wrong).toEqual([]);
  }, 120_000);

  test("the table's filter leaves the rows with all its words", async () => {
    await open();
    await page.keyboard.press("/");
    await page.keyboard.type("hierarchy xdp");
    expect(await visible("#matrix tbody tr")).toBe(1);
  });

  test("opens at the finding; the slider goes to where the count was lost, and the listing follows", async () => {
    await open("#hierarchy/two-calls@linux-6.1");
    expect(await where()).toMatch(/^✗ movl -0x4\(%rbp\), %eax\nentry#subprog_tail\+0x18/);
    expect(await page.locator("tr.broken.current").count()).toBe(1);
    const slider = page.locator("input.states");
    await slider.focus();
    await page.keyboard.press("Home");
    expect(await where()).toMatch(/^nopl .*\nentry\+0x0, after 0 instructions\n=> call entry$/);
    await page.keyboard.press("ArrowRight");
    expect(await page.locator("tr.current .asm").innerText()).toBe("xorl %eax, %eax");
    expect(await page.locator(".registers .changed").innerText()).toBe("0x0");
  });

  test.each(["helpers/hash-map@linux-6.12", "hierarchy/frames-with-stacks@linux-6.1"])(
    "the listing has the instruction in view: %s",
    async (hash) => {
      const inView = async () => {
        const [row, listing] = await Promise.all(
          ["tr.current", ".listing"].map((what) => page.locator(what).boundingBox()),
        );
        return row!.y > listing!.y && row!.y + row!.height < listing!.y + listing!.height;
      };
      await page.setViewportSize({ width: 1400, height: 500 });
      await open(`#${hash}`);
      expect(await inView()).toBe(true);
      for (const key of ["End", "Home"]) {
        await page.locator("input.states").last().focus();
        await page.keyboard.press(key);
        expect(await inView()).toBe(true);
      }
    },
  );

  test("arrow keys go through states, brackets through profiles, Escape back to the table", async () => {
    await open("#hierarchy/two-calls@linux-6.12");
    await page.keyboard.press("ArrowRight");
    expect(await where()).toContain("entry+0x4, after 1 instructions");
    await page.keyboard.press("[");
    await page.waitForFunction(() => document.title.includes("linux-6.1 "));
    await page.keyboard.press("Escape");
    await page.waitForSelector("#matrix", { state: "visible" });
  });

  test("the stack is drawn at each tail call, and its state can be shown", async () => {
    await open("#hierarchy/two-calls@linux-6.12");
    const slider = page.locator("input.pictures");
    await slider.focus();
    await page.keyboard.press("End");
    expect(await page.locator("figcaption").innerText()).toContain("tail call 33 of 33: entry");
    expect(await page.locator("svg.stack text.more").textContent()).toBe("… 22 more");
    expect(await page.locator("svg.stack .arrow").count()).toBe(1);
    await page.getByText("show the state").click();
    expect(await where()).not.toContain("after 0 instructions");
  });

  test("light and dark follow the system, or the button", async () => {
    const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await page.emulateMedia({ colorScheme: "dark" });
    await open();
    const dark = await background();
    await page.locator("#theme").click();
    expect([dark, await background()]).toEqual(["rgb(20, 23, 28)", "rgb(255, 255, 255)"]);
  });

  test("on paper there is all of the listing, in dark on light, and nothing to click", async () => {
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    await open("#hierarchy/two-calls@linux-6.12");
    expect(await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe("rgb(255, 255, 255)");
    const { scroll, client } = await page.$eval(".listing", (e) => ({
      scroll: e.scrollHeight,
      client: e.clientHeight,
    }));
    expect(scroll).toBe(client);
    expect(await visible("button, input")).toBe(0);
  });
});
