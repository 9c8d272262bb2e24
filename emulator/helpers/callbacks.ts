import { RBP, RSP } from "../engine.ts";
import { copyableSteps, type GuestJump, type HostCall, type HostSteps } from "../host.ts";
import type { Kernel } from "../kernel.ts";
import { HashMap } from "../maps/hash.ts";
import { E2BIG, EINVAL } from "../maps/map.ts";
import { GuestFault } from "../memory.ts";

/** BPF_MAX_LOOPS */
const MAX_LOOPS = 8n * 1024n * 1024n;

/** Helpers that call back into the program, and bpf_throw, which never returns to it. */
export function installCallbackHelpers(kernel: Kernel): void {
  const { machine } = kernel;

  /** bpf_loop(nr_loops, callback(index, ctx), ctx, flags) */
  function loop({ args }: HostCall): bigint | HostSteps {
    const [count, callback, context, flags] = args;
    if (flags) return -EINVAL;
    if (BigInt.asUintN(32, count) > MAX_LOOPS) return -E2BIG;
    const loops = BigInt.asUintN(32, count);
    return copyableSteps(0n, (done, stop) => {
      if (stop || done === loops) return done;
      return [done + 1n, { call: callback, args: [done, context, 0n, 0n, 0n] }];
    });
  }

  /** bpf_for_each_map_elem(map, callback(map, key, value, ctx), ctx, flags) */
  function forEach({ args }: HostCall): bigint | HostSteps {
    const [address, callback, context, flags] = args;
    const map = kernel.mapAt(address);
    if (flags || !map) return -EINVAL;
    // an array's index is a variable of bpf_for_each_array_elem()
    const scratch = machine.engine.regs[RSP] - 16n;
    const keys = map.keys();
    return copyableSteps({ at: 0, visited: 0n }, ({ at, visited }, stop) => {
      if (stop) return visited;
      for (; at < keys.length; at++) {
        const value = map.lookup(keys[at], machine.cpu);
        if (!value) continue; // a callback has deleted it
        const keyAddress = map instanceof HashMap ? map.keyAddress(keys[at]) : scratch;
        if (keyAddress === scratch) machine.memory.write(scratch, keys[at]);
        return [
          { at: at + 1, visited: visited + 1n },
          { call: callback, args: [address, keyAddress, value, context, 0n] },
        ];
      }
      return visited;
    });
  }

  /**
   * bpf_throw(cookie): walk the frames by rbp to the one whose program is the exception boundary, then run its exception
   * callback on that frame (kernel/bpf/helpers.c; the callback's prologue switches stacks).
   */
  function* throwException({ args }: HostCall): Generator<GuestJump, bigint, bigint> {
    const { regs } = machine.engine;
    let rsp = regs[RSP];
    let rbp = regs[RBP];
    for (;;) {
      // the call may be the function's last instruction, as bpf_throw does not return
      const at = machine.functionAt(machine.memory.load(rsp, 8) - 1n);
      const callback = at && kernel.exceptionCallbacks.get(at.func.entry);
      if (callback !== undefined) {
        yield { jump: callback, args: [args[0], rsp + 8n, rbp, 0n, 0n] };
        return 0n;
      }
      if (!at || rbp < rsp) throw new GuestFault("it finds no frame of a program that may throw");
      rsp = rbp + 8n;
      rbp = machine.memory.load(rbp, 8);
    }
  }

  machine.host.provide("bpf_loop", loop);
  machine.host.provide("bpf_for_each_map_elem", forEach);
  for (const type of ["array", "hash"]) machine.host.provide(`bpf_for_each_${type}_elem`, forEach);
  machine.host.provide("bpf_throw", throwException);
}
