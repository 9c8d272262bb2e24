import type { TrampolineSites } from "../../../bpf/image.ts";
import type { TrampolineInput } from "../../trampoline.ts";
import type { TailCallDesign } from "../design.ts";
import type { Emitter } from "../emitter.ts";
import type { ArgumentWord } from "./arguments.ts";
import type { TrampolineFeatures } from "./features.ts";
import type { TrampolineFrame } from "./frame.ts";

/** Everything an emitter needs while it makes one trampoline. */
export interface Tramp extends Emitter {
  input: TrampolineInput;
  features: TrampolineFeatures;
  design: TailCallDesign;
  words: readonly ArgumentWord[];
  frame: TrampolineFrame;
  /** the patch site jumps here: no return address of its own lies on the stack */
  jumpedTo: boolean;
  sites: TrampolineSites;
}
