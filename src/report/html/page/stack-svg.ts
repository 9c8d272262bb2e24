import { svg } from "./dom.ts";
import { foldRows, kindOf, type PictureRow, parsePicture, pointsTo } from "./stack-rows.ts";

const CHAR = 7.3;
const ROW = 24;
const GAP = 6;
const PAD = 7;
/** Frames that are drawn when not all are: outermost and innermost. */
const OUTER = 3;
const INNER = 9;

interface Cell {
  x: number;
  width: number;
  text: string;
}

/** A picture of the stack: a row per frame, a box per quadword, an arrow from the innermost pointers to the counts that they mean. */
export function drawPicture(text: string, all: boolean): SVGSVGElement {
  const rows = parsePicture(text);
  const shown = all ? rows : foldRows(rows, OUTER, INNER);
  const names = Math.max(...rows.map(({ name }) => name.length)) * CHAR + PAD;
  const laid = shown.map((row) => (typeof row === "number" ? row : layRow(row, names)));
  const width = Math.max(...laid.map((row) => (typeof row === "number" ? 0 : row.right))) + 1;
  const height = laid.length * (ROW + GAP);
  const picture = svg("svg", {
    class: "stack",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": text,
  });
  laid.forEach((row, i) => {
    const y = i * (ROW + GAP) + 1;
    if (typeof row === "number") picture.append(label(names, y, `… ${row} more`, "more"));
    else picture.append(label(0, y, row.name, "name"), ...row.cells.flatMap((cell) => box(cell, y)));
  });
  const arrow = innermostArrow(laid);
  if (arrow) picture.append(arrow);
  return picture;
}

interface Laid {
  name: string;
  cells: Cell[];
  right: number;
}

function layRow({ name, cells }: PictureRow, left: number): Laid {
  let x = left + 0.5;
  const laid = cells.map((text): Cell => {
    const width = text.length * CHAR + 2 * PAD;
    const cell = { x, width, text };
    x += width;
    return cell;
  });
  return { name, cells: laid, right: x };
}

function label(x: number, y: number, text: string, name: string): SVGElement {
  return svg("text", { x, y: y + ROW / 2, class: name, "dominant-baseline": "central" }, text);
}

function box({ x, width, text }: Cell, y: number): SVGElement[] {
  const kind = kindOf(text);
  return [
    svg("rect", { x, y, width, height: ROW, class: kind }),
    svg(
      "text",
      { x: x + width / 2, y: y + ROW / 2, class: kind, "dominant-baseline": "central", "text-anchor": "middle" },
      text,
    ),
  ];
}

/** From the last frame's pointer to the count that it points to. */
function innermostArrow(rows: (Laid | number)[]): SVGElement | undefined {
  const last = rows.length - 1;
  const from = rows[last];
  if (typeof from !== "object") return undefined;
  const pointer = from.cells.find(({ text }) => pointsTo(text) !== undefined);
  const to = rows.findIndex((row) => typeof row === "object" && pointer && row.name === pointsTo(pointer.text));
  const row = rows[to];
  if (!pointer || to < 0 || to === last || typeof row !== "object") return undefined;
  const count = row.cells.find(({ text }) => kindOf(text) === "count");
  if (!count) return undefined;
  const [x1, y1] = [pointer.x + pointer.width / 2, last * (ROW + GAP) + 1];
  const [x2, y2] = [count.x + count.width / 2, to * (ROW + GAP) + ROW + 1];
  const bend = Math.min(40, (y1 - y2) / 2 + 6);
  return svg(
    "g",
    { class: "arrow" },
    svg("path", { d: `M${x1} ${y1} C${x1} ${y1 - bend} ${x2} ${y2 + bend} ${x2} ${y2 + 5}`, fill: "none" }),
    svg("path", { d: `M${x2} ${y2} l-3.5 6 h7 z` }),
  );
}
