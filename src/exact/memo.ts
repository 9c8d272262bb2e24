import { type Concrete, type Effect, readPlace } from "./effect.ts";
import type { StackRange } from "./state.ts";
import { type Place, RSP, u64 } from "./symbolic.ts";

/** Effects that ask for the same places, by what they want to find there. */
interface Shape {
  asks: { place: Place; fromRsp: boolean }[];
  effects: Map<string, Effect>;
}

/** What is remembered of one function. */
export class Memo {
  readonly #shapes = new Map<string, Shape>();

  add(effect: Effect): void {
    const asks = effect.inputs.flatMap(({ place, condition }) =>
      condition ? [{ place, fromRsp: condition.kind === "from-rsp" }] : [],
    );
    const name = asks.map(({ place, fromRsp }) => `${placeName(place)}${fromRsp ? "~" : ""}`).join();
    let shape = this.#shapes.get(name);
    if (!shape) {
      shape = { asks, effects: new Map() };
      this.#shapes.set(name, shape);
    }
    const wanted = effect.inputs.flatMap(({ condition }) => (condition ? [condition.value] : []));
    shape.effects.set(wanted.join(), effect);
  }

  /** The effect whose conditions hold now, and that fits into the stack. */
  find(machine: Concrete, stack: StackRange): Effect | undefined {
    const rsp = machine.register(RSP);
    for (const { asks, effects } of this.#shapes.values()) {
      const found = asks.map(({ place, fromRsp }) => {
        const value = readPlace(machine, rsp, place);
        return fromRsp ? u64(value - rsp) : value;
      });
      const effect = effects.get(found.join());
      if (effect && rsp + effect.lowest >= stack.low && rsp + effect.highest <= stack.high) return effect;
    }
    return undefined;
  }
}

/** Tells places apart. */
export function placeName(place: Place): string {
  if (place.at === "register") return `r${place.index}`;
  return place.at === "stack" ? `s${place.offset}:${place.size}` : `m${place.address}:${place.size}`;
}
