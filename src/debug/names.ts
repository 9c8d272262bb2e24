import { shortName } from "../scenario/point.ts";

/**
 * Names that a debugger's user can type, for functions named "program#function": the function's alone where no other has it,
 * else "program.function".
 */
export function debuggerNames(images: readonly string[]): string[] {
  const short = images.map(shortName);
  return images.map((image, i) => {
    const isUnique = short.filter((name) => name === short[i]).length === 1;
    return (isUnique ? short[i] : image.replace("#", ".")).replace(/[^\w.$]/g, "_");
  });
}
