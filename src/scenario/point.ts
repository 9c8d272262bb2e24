/**
 * A moment of a run that a scenario names: "FUNCTION" when its first BPF instruction is reached, "FUNCTION:3" the third time,
 * "tail call 33" when the callee of the 33rd tail call is there, "FUNCTION+0x1c" when the machine instruction at that offset
 * is next (":3": the third time), "instruction 100" when so many have executed.
 */
export type Point =
  | { kind: "function"; name: string; nth: number }
  | { kind: "tail-call"; nth: number }
  | { kind: "offset"; name: string; offset: number; nth: number }
  | { kind: "instruction"; icount: number };

/** Undefined: the text names no moment. */
export function parsePoint(text: string): Point | undefined {
  const numbered = /^(tail call|instruction) (\d{1,9})$/.exec(text);
  if (numbered?.[1] === "instruction") return { kind: "instruction", icount: Number(numbered[2]) };
  if (numbered) return { kind: "tail-call", nth: Number(numbered[2]) };
  const named = /^([A-Za-z_.$][\w.$]*(?:#[\w.$]+)?)(?:\+0x([0-9a-f]{1,7}))?(?::(\d{1,9}))?$/.exec(text);
  if (!named) return undefined;
  const [, name, offset, nth = "1"] = named;
  if (offset === undefined) return { kind: "function", name, nth: Number(nth) };
  return { kind: "offset", name, offset: Number.parseInt(offset, 16), nth: Number(nth) };
}

/** The function's name without its program's. */
export const shortName = (image: string): string => image.slice(image.indexOf("#") + 1);

/** Does a point's name mean this image? */
export const isNamed = (image: string, name: string): boolean => image === name || shortName(image) === name;
