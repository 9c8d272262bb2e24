import type { Colors } from "./report.ts";

const same = (text: string): string => text;

/** No colours. */
export const PLAIN: Colors = { red: same, green: same, yellow: same, bold: same, dim: same, inverse: same };
