import { AsmError } from "./error.ts";
import type { Token } from "./lexer.ts";
import { looksLikeRegister } from "./operands.ts";
import type { Fixup } from "./parser.ts";

const LOCAL_LABEL = /^[0-9]{1,9}$/;

/** Number of tokens at the start of a statement that define labels: `name :`, `1 :`, again and again. */
export function countLabelTokens(tokens: readonly Token[]): number {
  let count = 0;
  while (["name", "number"].includes(tokens[count].kind) && tokens[count + 1].text === ":") count += 2;
  return count;
}

/** Named labels, once each, and numeric ones (`1:`), which may be defined again and again. */
export class Labels {
  /** slot of each named label */
  readonly slots = new Map<string, number>();
  /** definitions of each number, in order of the text */
  readonly #local = new Map<number, { slot: number; order: number }[]>();
  /** labels defined so far: a place in the text */
  order = 0;

  /** Throws AsmError for a name that is taken or cannot be one. */
  define(token: Token, line: number, slot: number): void {
    const fail = (found: string, expected: string) => new AsmError(line, token.column, found, expected);
    this.order++;
    if (token.kind === "number") {
      if (!LOCAL_LABEL.test(token.text)) throw fail(`"${token.text}"`, "a label, a name or a decimal number");
      const definitions = this.#local.get(Number(token.text));
      if (definitions) definitions.push({ slot, order: this.order });
      else this.#local.set(Number(token.text), [{ slot, order: this.order }]);
      return;
    }
    if (looksLikeRegister(token)) throw fail(`"${token.text}"`, "a label that is not named like a register");
    if (this.slots.has(token.text)) throw fail(`"${token.text}" again`, "a label that is not yet taken");
    this.slots.set(token.text, slot);
  }

  /** The slot that a fixup means; undefined where its label was lost to another error. Throws AsmError for `1f` to nowhere. */
  slotOf({ token, line, order }: Fixup): number | undefined {
    if (token.kind !== "local") return this.slots.get(token.text);
    const number = token.text.slice(0, -1);
    const backward = token.text.endsWith("b");
    const definitions = this.#local.get(Number(number)) ?? [];
    const found = backward
      ? definitions.findLast((definition) => definition.order <= order)
      : definitions.find((definition) => definition.order > order);
    if (found) return found.slot;
    throw new AsmError(line, token.column, `"${token.text}"`, `a label "${number}:" ${backward ? "above" : "below"}`);
  }
}
