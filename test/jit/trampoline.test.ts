import { describe, expect, test } from "vitest";
import {
  type Attached,
  BPF_TRAMP_F_CALL_ORIG as CALL_ORIG,
  enterFunction,
  exitFunction,
  BPF_TRAMP_F_IP_ARG as IP_ARG,
  linksOf,
  BPF_TRAMP_F_ORIG_STACK as ORIG_STACK,
  BPF_TRAMP_F_RESTORE_REGS as RESTORE_REGS,
  BPF_TRAMP_F_SHARE_IPMODIFY as SHARE_IPMODIFY,
  BPF_TRAMP_F_SKIP_FRAME as SKIP_FRAME,
  BPF_TRAMP_F_TAIL_CALL_CTX as TAIL_CALL_CTX,
  type TrampLink,
  type TrampolineUse,
  trampolineFlags,
  usesJump,
} from "../../jit/trampoline.ts";

const program = (type: Attached["type"], prog = 0n, wantsIp = false): Attached => ({ type, prog, entry: 0n, wantsIp });
const FENTRY = [program("fentry")];
const FEXIT = [program("fentry"), program("fexit")];

const KERNEL_61 = { tailCallCtx: false, jump: false };
const KERNEL_612 = { tailCallCtx: true, jump: false };
const KERNEL_72 = { tailCallCtx: true, jump: true };

describe("bpf_trampoline_update() wants", () => {
  test.each<[what: string, use: TrampolineUse, on61: number, on612: number, on72: number]>([
    ["fentry programs only", { attached: FENTRY }, RESTORE_REGS, RESTORE_REGS, RESTORE_REGS],
    ["a fexit program", { attached: FEXIT }, CALL_ORIG | SKIP_FRAME, CALL_ORIG | SKIP_FRAME, CALL_ORIG],
    [
      "an fmod_ret program",
      { attached: [program("fmod_ret")] },
      CALL_ORIG | SKIP_FRAME,
      CALL_ORIG | SKIP_FRAME,
      CALL_ORIG,
    ],
    [
      "a program from which a tail call is reachable",
      { attached: FENTRY, tailCallReachable: true },
      RESTORE_REGS,
      RESTORE_REGS | TAIL_CALL_CTX,
      RESTORE_REGS | TAIL_CALL_CTX,
    ],
    [
      "the function's address",
      { attached: [program("fentry", 0n, true)] },
      RESTORE_REGS | IP_ARG,
      RESTORE_REGS | IP_ARG,
      RESTORE_REGS | IP_ARG,
    ],
    [
      "a function that a live patch has moved",
      { attached: FEXIT, shareIpmodify: true },
      CALL_ORIG | SKIP_FRAME | ORIG_STACK | SHARE_IPMODIFY,
      CALL_ORIG | SKIP_FRAME | ORIG_STACK | SHARE_IPMODIFY,
      CALL_ORIG | SKIP_FRAME | ORIG_STACK | SHARE_IPMODIFY,
    ],
  ])("%s", (_, use, ...wanted) => {
    expect([KERNEL_61, KERNEL_612, KERNEL_72].map((kernel) => trampolineFlags(use, kernel))).toEqual(wanted);
  });
});

test("a patch site jumps to what calls the function and has no frame to skip", () => {
  expect([RESTORE_REGS, CALL_ORIG | SKIP_FRAME, CALL_ORIG].map(usesJump)).toEqual([false, false, true]);
});

test("of each kind the program that was attached last is called first", () => {
  const { fentry, fmodRet, fexit } = linksOf([
    program("fexit", 1n),
    program("fentry", 2n),
    program("fmod_ret", 3n),
    program("fexit", 4n),
    program("fentry", 5n),
  ]);
  expect([fentry, fmodRet, fexit].map((links) => links.map(({ prog }) => prog))).toEqual([[5n, 2n], [3n], [4n, 1n]]);
});

test.each<[link: Partial<TrampLink>, since61: string, before: string]>([
  [{}, "_recur", ""],
  [{ mayRecur: true }, "", ""],
  [{ sleepable: true }, "_sleepable_recur", "_sleepable"],
  [{ sleepable: true, mayRecur: true }, "_sleepable", "_sleepable"],
  [{ lsmCgroup: true }, "_lsm_cgroup", "_lsm_cgroup"],
])("around %o stand __bpf_prog_enter%s and, before 6.1, __bpf_prog_enter%s", (how, since61, before) => {
  const link = { prog: 0n, entry: 0n, ...how };
  expect(enterFunction(link, { recur: true })).toBe(`__bpf_prog_enter${since61}`);
  expect(exitFunction(link, { recur: true })).toBe(`__bpf_prog_exit${since61}`);
  expect(enterFunction(link, { recur: false })).toBe(`__bpf_prog_enter${before}`);
});
