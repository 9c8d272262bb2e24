/** A frame of a picture of the stack: "entry:1 | ret | rbp | tcc 0 | rbx |" */
export interface PictureRow {
  name: string;
  cells: string[];
}

/** The text of a picture, outermost frame first. */
export function parsePicture(text: string): PictureRow[] {
  return text
    .split("\n")
    .filter((line) => line.includes("|"))
    .map((line) => {
      const [name, ...cells] = line.split("|").map((part) => part.trim());
      return { name, cells: cells.slice(0, -1) };
    });
}

/** The first and the last of many; a number stands for as many that are left out. */
export function foldRows<T>(rows: readonly T[], first: number, last: number): (T | number)[] {
  const left = rows.length - first - last;
  return left < 2 ? [...rows] : [...rows.slice(0, first), left, ...rows.slice(-last)];
}

/** The frame whose count a cell points to: "tcc_ptr entry:1" */
export const pointsTo = (cell: string): string | undefined => /^tcc_ptr (.*)$/.exec(cell)?.[1];

/** What the cell is about, for its colour. */
export function kindOf(cell: string): "count" | "pointer" | "saved" {
  if (cell.startsWith("tcc_ptr")) return "pointer";
  return /^tcc\b/.test(cell) ? "count" : "saved";
}
