import { expect, test } from "vitest";
import { PROG_TYPE_XDP } from "../../../bpf/program.ts";
import { XDP_MD } from "../../../bpf/verifier/uapi.ts";
import { XdpBuff } from "../../../emulator/context/xdp.ts";
import { RDI } from "../../../emulator/engine.ts";
import { loadBpf } from "../bpf.ts";
import { eachKernel, newKernel, rax } from "../guest.ts";

eachKernel("struct xdp_md on %s", (name) => {
  function run(text: string, packet = Uint8Array.from({ length: 60 }, (_, i) => i)) {
    const kernel = newKernel(name);
    const xdp = new XdpBuff(kernel.machine, packet);
    const program = loadBpf(kernel, name, `${text}\nexit`, { type: PROG_TYPE_XDP });
    return { value: rax(kernel.machine, program, { [RDI]: xdp.address }), xdp };
  }

  test("data and data_end bound the packet, data_meta is where data is", () => {
    const last = `r2 = *(u32 *)(r1 + ${XDP_MD.data})
      r3 = *(u32 *)(r1 + ${XDP_MD.data_end})
      r5 = *(u32 *)(r1 + ${XDP_MD.data_meta})
      r4 = r2
      r4 += 60
      r0 = -1
      if r4 > r3 goto out
      r0 = *(u8 *)(r2 + 59)
      r3 -= r4
      r0 += r3
      r2 -= r5
      r0 += r2
    out:`;
    expect(run(last).value).toBe(59n);
    expect(run(last, new Uint8Array(59)).value).toBe(0xffffffffffffffffn);
  });

  test("it was received on queue 0 of the loopback device", () => {
    expect(run(`r0 = *(u32 *)(r1 + ${XDP_MD.ingress_ifindex})`).value).toBe(1n);
    expect(run(`r0 = *(u32 *)(r1 + ${XDP_MD.rx_queue_index})`).value).toBe(0n);
  });

  test("what a program writes is in the packet afterwards", () => {
    const { xdp } = run(
      `r2 = *(u32 *)(r1 + ${XDP_MD.data})
       r3 = *(u32 *)(r1 + ${XDP_MD.data_end})
       r4 = r2
       r4 += 2
       r0 = 0
       if r4 > r3 goto out
       r0 = 0xabcd
       *(u16 *)(r2 + 0) = r0
      out:`,
    );
    expect([...xdp.packet().subarray(0, 3)]).toEqual([0xcd, 0xab, 2]);
    expect(xdp.packet()).toHaveLength(60);
  });
});

test("packet() follows data and data_end, which helpers may move", () => {
  const { machine } = newKernel();
  const xdp = new XdpBuff(machine, Uint8Array.of(1, 2, 3, 4));
  const end = xdp.address + BigInt(machine.layout.structs.xdp_buff.members.data_end);
  machine.memory.store(end, 8, xdp.data + 2n);
  expect([...xdp.packet()]).toEqual([1, 2]);
});
