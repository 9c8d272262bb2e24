import type { FrameSlot } from "../../../bpf/image.ts";
import type { TrampolineHooks } from "../design.ts";
import { push } from "../encode/control.ts";
import { loadFrame } from "../encode/memory.ts";
import { RAX, RBP } from "../regs.ts";

/** rax is pushed below the trampoline's frame, and loaded from there before the traced function goes on (2b5dcb31a19a). */
export const keepRax = (slot: FrameSlot): TrampolineHooks => ({
  slot,
  keep({ c }) {
    c.note("what rax brought");
    push(c, RAX); // 50
  },
  load({ c, frame }) {
    c.note("what rax brought");
    loadFrame(c, true, RAX, RBP, -frame.size - 8); // 48 8b 85
  },
});
