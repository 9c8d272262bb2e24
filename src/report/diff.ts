const MOST_LINES = 2000;

/** Lines of `before` and `after` in one column: "  " both, "- " only before, "+ " only after. The longest common subsequence stays. */
export function diffLines(before: string, after: string): string[] {
  const a = lines(before);
  const b = lines(after);
  if (a.length > MOST_LINES || b.length > MOST_LINES) return [...a.map((l) => `- ${l}`), ...b.map((l) => `+ ${l}`)];
  const common = commonLengths(a, b);
  const width = b.length + 1;
  const out: string[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      out.push(`  ${a[i++]}`);
      j++;
    } else if (j >= b.length || (i < a.length && common[(i + 1) * width + j] >= common[i * width + j + 1]))
      out.push(`- ${a[i++]}`);
    else out.push(`+ ${b[j++]}`);
  }
  return out.map((line) => line.trimEnd());
}

/** [i * (b.length + 1) + j]: how many lines a from i and b from j have in common. */
function commonLengths(a: readonly string[], b: readonly string[]): Uint16Array {
  const width = b.length + 1;
  const common = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1] + 1
          : Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
  return common;
}

const lines = (text: string) => text.replace(/\n+$/, "").split("\n");
