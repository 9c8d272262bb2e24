/** Exactly `width` columns: cut with "…" at the end, or filled. */
export function fitEnd(text: string, width: number): string {
  return text.length > width ? `${text.slice(0, width - 1)}…` : text.padEnd(width);
}

/** Exactly `width` columns: the middle goes, so that folder and file both stay recognisable. */
export function fitMiddle(text: string, width: number): string {
  if (text.length <= width) return text.padEnd(width);
  const head = Math.floor((width - 1) / 3);
  return `${text.slice(0, head)}…${text.slice(text.length - (width - 1 - head))}`;
}

/** A name on as few lines as it needs, each at most `width` columns, broken behind dashes where it can be. */
export function wrapLabel(name: string, width: number): string[] {
  const lines = [""];
  for (const part of name.split(/(?<=-)/)) {
    if (lines[lines.length - 1].length + part.length > width && lines[lines.length - 1]) lines.push("");
    let rest = part;
    while (lines[lines.length - 1].length + rest.length > width) {
      lines[lines.length - 1] += rest.slice(0, width);
      rest = rest.slice(width);
      lines.push("");
    }
    lines[lines.length - 1] += rest;
  }
  return lines;
}
