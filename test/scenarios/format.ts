import { scenarioSchema } from "../../src/scenario/schema.ts";

/** Keys of a scenario in the order in which the catalogue has them; a blank line stands in front of each but those of the head. */
const ORDER = Object.keys(scenarioSchema().properties as object);
const HEAD = ["title", "about", "source", "profiles"];

/** What a scenario's text does not have as the rest of the catalogue has it: "LINE: what". */
export function misformatted(text: string): string[] {
  return [...lines(text), ...keys(text), ...assembly(text)];
}

function lines(text: string): string[] {
  const wrong = text
    .split("\n")
    .flatMap((line, i): string[] => [
      ...(/\s$/.test(line) ? [`${i + 1}: white space at the end`] : []),
      ...(line.includes("\t") ? [`${i + 1}: a tab`] : []),
      ...(line.length > 120 ? [`${i + 1}: more than 120 columns`] : []),
    ]);
  if (!/[^\n]\n$/.test(text)) wrong.push("the end: not one line break");
  if (text.includes("\n\n\n")) wrong.push("two blank lines in a row");
  return wrong;
}

function keys(text: string): string[] {
  const all = text.split("\n");
  const wrong: string[] = [];
  let last = -1;
  all.forEach((line, i) => {
    const key = /^([a-z_]+):/.exec(line)?.[1];
    if (key === undefined) return;
    const place = ORDER.indexOf(key);
    if (place < last) wrong.push(`${i + 1}: ${key} after ${ORDER[last]}`);
    last = place;
    let before = i - 1;
    while (all[before]?.startsWith("#")) before--;
    const blank = all[before] === "";
    if (blank === HEAD.includes(key)) wrong.push(`${i + 1}: ${key} ${blank ? "behind" : "without"} a blank line`);
  });
  return wrong;
}

/** Programs with labels have them in the first column and instructions two behind; programs without, all in the first column. */
function assembly(text: string): string[] {
  const wrong: string[] = [];
  for (const match of text.matchAll(/^( +)(?:\w+|code): \|\n((?:(?:\1 .*)?\n)+)/gm)) {
    const first = text.slice(0, match.index).split("\n").length + 1;
    const code = match[2].split("\n").map((line) => line.slice(match[1].length + 2));
    if (!code.some((line) => /^ *exit/.test(line))) continue; // a picture, not a program
    const labels = code.some((line) => /^ *\w+: *(;.*)?$/.test(line));
    code.forEach((line, i) => {
      if (line === "") return;
      const wanted = labels && !/^ *\w+: *(;.*)?$/.test(line) ? 2 : 0;
      if (line.search(/\S/) !== wanted) wrong.push(`${first + i}: expected ${wanted} blanks before "${line.trim()}"`);
    });
  }
  return wrong;
}
