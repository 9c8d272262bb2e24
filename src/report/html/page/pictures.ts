import type { Run } from "./data.ts";
import { h } from "./dom.ts";
import { drawPicture } from "./stack-svg.ts";

/** The stack at each tail call of a run, one at a time; `goTo` shows the state of that moment. */
export function pictures({ pictures: all, morePictures }: Run, goTo: (icount: number) => void): HTMLElement {
  const last = all.length - 1;
  const frame = h("div", { class: "picture" });
  const caption = h("figcaption");
  const whole = h("input", { type: "checkbox", change: () => show() });
  const slider = h("input", {
    type: "range",
    class: "pictures",
    min: 0,
    max: last,
    value: 0,
    "aria-label": "tail calls",
    input: () => show(),
  });
  const show = (): void => {
    const { number, callee, icount, text } = all[Number(slider.value)];
    const more = morePictures && Number(slider.value) === last ? `; ${morePictures} more are not drawn` : "";
    caption.replaceChildren(
      `tail call ${number} of ${all.length + morePictures}: ${callee}, after ${icount} instructions${more} `,
      h("button", { type: "button", class: "tools", click: () => goTo(icount) }, "show the state"),
    );
    frame.replaceChildren(drawPicture(text, whole.checked));
  };
  show();
  const tools = last > 0 && h("p", { class: "tools" }, slider, h("label", {}, whole, " all frames"));
  return h("figure", {}, caption, tools, frame);
}
