// @ts-check
// Makes test/fixtures/captures from a folder of captures: node tools/fixtures.mjs CAPTURES [OUT]
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { chooseSets } from "./fixtures/choose.mjs";

const CAPTURE = /^(x86_64-.+)\.jsonl\.br$/;
const OUT = fileURLToPath(new URL("../test/fixtures/captures", import.meta.url));

/** @param {string} file */
const read = (file) => brotliDecompressSync(readFileSync(file)).toString();

/** @param {string} file @param {string} text */
function write(file, text) {
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
  writeFileSync(file, brotliCompressSync(text, { params }));
}

/** @param {string} text @returns {import("./fixtures/choose.mjs").Line[]} */
const linesOf = (text) =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => ({ text: line, record: JSON.parse(line) }));

/** @param {string} from @param {string} to */
function make(from, to) {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(to)) if (name.endsWith(".br")) rmSync(join(to, name));
  const programs = linesOf(read(join(from, "programs.jsonl.br")));
  const sources = new Map(programs.map(({ record }) => [record.set, record]));
  const used = new Set();
  for (const name of readdirSync(from).sort()) {
    const variant = CAPTURE.exec(name)?.[1];
    if (!variant) continue;
    const chosen = chooseSets(variant, linesOf(read(join(from, name))), sources);
    for (const { record } of chosen) used.add(record.set);
    write(join(to, name), chosen.map(({ text }) => `${text}\n`).join(""));
    write(join(to, `${variant}.kernel.json.br`), read(join(from, `${variant}.kernel.json.br`)));
    console.log(`${variant.padEnd(22)} ${chosen.length} sets`);
  }
  const kept = programs.filter(({ record }) => used.has(record.set));
  write(join(to, "programs.jsonl.br"), kept.map(({ text }) => `${text}\n`).join(""));
}

const [from, to = OUT] = process.argv.slice(2);
if (!from) {
  console.error(
    "usage: node tools/fixtures.mjs CAPTURES [OUT]   (CAPTURES holds programs.jsonl.br and x86_64-*.jsonl.br)",
  );
  process.exitCode = 2;
} else make(from, to);
