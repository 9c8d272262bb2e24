import { describe, expect, test } from "vitest";
import { RAX } from "../../../emulator/engine.ts";
import { forgetPrograms } from "../../../emulator/helpers/trampoline.ts";
import { poison } from "../../../emulator/host.ts";
import { type KernelName, newKernel } from "../guest.ts";
import { call } from "./call.ts";

const PROG = 0xffffc90000123000n;
const OTHER = 0xffffc90000456000n;

/** Calls of one kernel's functions, with struct bpf_tramp_run_ctx of a cookie each. */
function trampolines(name: KernelName, options = {}) {
  const kernel = newKernel(name, options);
  const { heap, memory } = kernel.machine;
  const runCtx = (cookie: bigint): bigint => {
    const address = heap.take(16);
    memory.store(address, 8, cookie);
    return address;
  };
  return {
    kernel,
    runCtx,
    enter: (prog: bigint, ctx = runCtx(0n), kind = "_recur") => call(kernel, `__bpf_prog_enter${kind}`, prog, ctx),
    exit: (prog: bigint, ctx: bigint, kind = "_recur") => call(kernel, `__bpf_prog_exit${kind}`, prog, 1n, ctx),
  };
}

describe("__bpf_prog_enter_recur", () => {
  test("lets a program run that is not running: 1, the start time that says there are no statistics", () => {
    const { enter, exit, runCtx } = trampolines("linux-6.12");
    const ctx = runCtx(0n);
    expect(enter(PROG, ctx)).toBe(1n);
    exit(PROG, ctx);
    expect(enter(PROG, ctx)).toBe(1n);
  });

  test("does not let a program run inside itself: 0; others it does, and the one after both have left", () => {
    const { enter, exit, runCtx } = trampolines("linux-6.12");
    const [outer, inner] = [runCtx(0n), runCtx(0n)];
    expect([enter(PROG, outer), enter(PROG, inner), enter(OTHER)]).toEqual([1n, 0n, 1n]);
    exit(PROG, inner);
    exit(PROG, outer);
    expect(enter(PROG)).toBe(1n);
  });

  test("asks about the CPU that it is on", () => {
    const { kernel, enter } = trampolines("linux-6.12", { cpus: 2 });
    enter(PROG);
    kernel.machine.schedule(1, kernel.machine.addTask());
    expect(enter(PROG)).toBe(1n);
  });

  test.each(["", "_sleepable", "_lsm_cgroup"])("__bpf_prog_enter%s does not ask", (kind) => {
    const { enter, runCtx } = trampolines("linux-6.12");
    expect([enter(PROG, runCtx(0n), kind), enter(PROG, runCtx(0n), kind)]).toEqual([1n, 1n]);
  });

  test("programs whose runs were ended are running no more", () => {
    const { kernel, enter } = trampolines("linux-6.12");
    enter(PROG);
    forgetPrograms(kernel);
    expect(enter(PROG)).toBe(1n);
  });
});

test("bpf_get_attach_cookie is the innermost program's", () => {
  const { kernel, enter, exit, runCtx } = trampolines("linux-6.12");
  const cookie = () => call(kernel, "bpf_get_attach_cookie_tracing");
  const [outer, inner] = [runCtx(11n), runCtx(22n)];
  enter(PROG, outer);
  const seen = [cookie()];
  enter(OTHER, inner);
  seen.push(cookie());
  exit(OTHER, inner);
  seen.push(cookie());
  exit(PROG, outer);
  expect([...seen, cookie()]).toEqual([11n, 22n, 11n, 0n]);
});

test.each(["__bpf_tramp_enter", "__bpf_tramp_exit", "__bpf_prog_exit", "__bpf_prog_exit_recur"])(
  "%s returns nothing: rax is poison",
  (name) => {
    const { kernel, runCtx } = trampolines("linux-6.12");
    expect(BigInt.asUintN(64, call(kernel, name, PROG, 1n, runCtx(0n)))).toBe(poison(RAX));
  },
);
