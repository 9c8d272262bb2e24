import type { FrameSlot } from "../../../bpf/image.ts";
import {
  BPF_TRAMP_F_CALL_ORIG,
  BPF_TRAMP_F_IP_ARG,
  BPF_TRAMP_F_RET_FENTRY_RET,
  type TrampolineInput,
  usesJump,
} from "../../trampoline.ts";
import type { ArgumentWord } from "./arguments.ts";
import type { TrampolineFeatures } from "./features.ts";

/** struct bpf_tramp_run_ctx: the cookie, and the run_ctx that was there before */
const RUN_CTX_SIZE = 16;

/** A trampoline's frame: all numbers are bytes below rbp, of the lowest byte of what they name. */
export interface TrampolineFrame {
  /** what `sub rsp` takes; below it are what is pushed: rbx (before 6.6), the count */
  size: number;
  /** what the traced function or an fmod_ret program returned is at 8; false: no such slot */
  returns: boolean;
  /** the first argument: the programs' context */
  regs: number;
  /** how many words of arguments there are, and more since 7.0 (func_meta) */
  meta?: number;
  ip?: number;
  /** the first of the session cookies */
  cookies: number;
  /** undefined: it is pushed */
  rbx?: number;
  runCtx?: number;
  /** the first argument on the stack, at rsp when the traced function is called; undefined: there is none to be passed on */
  stackArguments?: number;
}

/** Where everything lies (arch_prepare_bpf_trampoline). */
export function frameOf(
  { flags, links }: TrampolineInput,
  words: readonly ArgumentWord[],
  features: TrampolineFeatures,
): TrampolineFrame {
  let size = 0;
  const take = (bytes: number): number => {
    size += bytes;
    return size;
  };
  const returns = (flags & (BPF_TRAMP_F_CALL_ORIG | BPF_TRAMP_F_RET_FENTRY_RET)) !== 0;
  if (returns) take(8);
  const regs = take(8 * words.length);
  const meta = features.nrArgs ? take(8) : undefined;
  const ip = flags & BPF_TRAMP_F_IP_ARG && features.ip !== "none" ? take(8) : undefined;
  const cookies = take(8 * links.fentry.filter(({ session }) => session?.cookie).length);
  const rbx = features.stackArguments ? take(8) : undefined;
  const runCtx = features.enter === "run-ctx" ? take(RUN_CTX_SIZE) : undefined;
  const onStack = words.filter(({ stack }) => stack !== undefined).length;
  const frame = { returns, regs, meta, ip, cookies, rbx, runCtx };
  if (!onStack || !(flags & BPF_TRAMP_F_CALL_ORIG)) return { ...frame, size };
  take(8 * onStack);
  // rsp is a multiple of 16 where the traced function is called
  const pushed = usesJump(flags) ? 16 : 24;
  if ((size + pushed) % 16) take(8);
  return { ...frame, size, stackArguments: size };
}

/** The frame's quadwords, downwards from below the saved rbp; without the count. */
export function frameSlots(frame: TrampolineFrame, words: readonly ArgumentWord[]): FrameSlot[] {
  const slots: FrameSlot[] = Array.from({ length: frame.size / 8 }, () => ({ kind: "value", name: "-" }));
  const put = (below: number | undefined, ...names: string[]): void => {
    names.forEach((name, i) => {
      if (below !== undefined) slots[below / 8 - 1 - i] = { kind: "value", name };
    });
  };
  if (frame.returns) put(8, "retval");
  put(frame.regs, ...words.map((_, i) => `arg${i + 1}`));
  put(frame.meta, "nr_args");
  put(frame.ip, "ip");
  const cookies = (frame.cookies - (frame.ip ?? frame.meta ?? frame.regs)) / 8;
  put(frame.cookies, ...Array.from({ length: cookies }, () => "session cookie"));
  put(frame.runCtx, "bpf_cookie", "saved_run_ctx");
  put(frame.stackArguments, ...words.flatMap(({ stack }, i) => (stack === undefined ? [] : [`arg${i + 1}`])));
  if (frame.rbx !== undefined) slots[frame.rbx / 8 - 1] = { kind: "saved", name: "rbx" };
  else slots.push({ kind: "saved", name: "rbx" });
  return slots;
}
