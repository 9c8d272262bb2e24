import { createConnection, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { encodePacket, PacketReader } from "../../../../src/debug/gdb/packet.ts";
import { serveGdb } from "../../../../src/debug/gdb/server.ts";
import { GdbSession } from "../../../../src/debug/gdb/session.ts";
import { Monitor } from "../../../../src/debug/monitor.ts";
import { DebugView } from "../../../../src/debug/view.ts";
import { UserError } from "../../../../src/error.ts";
import { hierarchy, program } from "../../runner/trace/tracing.ts";
import { recordingOf } from "../recording.ts";
import { type Waiting, waiting } from "./gdb.ts";

const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** A session without a connection: `ask` gives the reply, `said` is what it showed on the console. */
function session(text: string, profile?: string) {
  const timeline = recordingOf(text, profile);
  const said: string[] = [];
  const monitor = new Monitor(new DebugView(timeline, "t.yaml"));
  const gdb = new GdbSession(timeline, monitor, "/nowhere/t.elf", (line) => said.push(line));
  open.push(timeline, gdb);
  const ask = async (packet: string) => (await gdb.answer(Buffer.from(packet, "latin1"))).reply;
  return { timeline, gdb, said, ask };
}

const three = program("r0 = 1\nr0 += 1\nexit");
const hex = (value: bigint | number): string => value.toString(16);

describe("packets", () => {
  test("registers: all, one, and written ones", async () => {
    const { ask, timeline } = session(three);
    const all = (await ask("g"))!;
    expect(all).toHaveLength(2 * (17 * 8 + 7 * 4 + 8 * 10 + 8 * 4 + 2 * 8));
    expect(all.slice(16 * 16, 17 * 16)).toBe(await ask("p10")); // rip
    expect(await ask("p10")).toBe(Buffer.from(new BigUint64Array([timeline.pc]).buffer).toString("hex"));
    expect(await ask(`P0=${"11".repeat(8)}`)).toBe("OK");
    expect(timeline.machine.engine.regs[0]).toBe(0x1111111111111111n);
    expect(await ask(`G${all}`)).toBe("OK");
    expect(await ask("g")).toBe(all);
  });

  test("memory: hex, binary, up to where it ends", async () => {
    const { ask, timeline } = session(three);
    const { pc, machine } = timeline;
    const bytes = machine.memory.read(pc, 4);
    expect(await ask(`m${hex(pc)},4`)).toBe(Buffer.from(bytes).toString("hex"));
    expect(await ask(`x${hex(pc)},4`)).toBe(`b${Buffer.from(bytes).toString("latin1")}`);
    const { end } = machine.memory.ranges[0];
    expect(await ask(`m${hex(end - 2n)},10`)).toHaveLength(4);
    expect(await ask(`m${hex(end)},10`)).toBe("E0e");
    const { stackHigh } = machine.task;
    expect(await ask(`M${hex(stackHigh - 8n)},2:beef`)).toBe("OK");
    expect(await ask(`X${hex(stackHigh - 6n)},2:\x01\x02`)).toBe("OK");
    expect(await ask(`m${hex(stackHigh - 8n)},4`)).toBe("beef0102");
  });

  test("one step, back again, and no further at either end", async () => {
    const { ask, timeline } = session(three);
    const stopped = /^T05thread:1;06:\w{16};07:\w{16};10:\w{16};$/;
    expect(await ask("?")).toMatch(stopped);
    expect(await ask("bs")).toMatch(/replaylog:begin;$/);
    expect(await ask("vCont;s:1;c")).toMatch(stopped);
    expect(timeline.at).toBe(1);
    expect(await ask("bs")).toMatch(stopped);
    expect(timeline.at).toBe(0);
    expect(await ask("c")).toMatch(/replaylog:end;$/);
    expect(timeline.at).toBe(timeline.end);
    expect(await ask("s")).toMatch(/replaylog:end;$/);
  });

  test("breakpoints say what they are to a gdb that understands", async () => {
    const { ask, timeline, said } = session(hierarchy(1), "linux-6.12");
    const [{ image }] = timeline.machine.functions;
    const landing = hex(image.address + BigInt(image.landing!));
    expect(await ask("qSupported:swbreak+;hwbreak+;xmlRegisters=i386")).toContain("ReverseContinue+");
    expect(await ask(`Z0,${landing},1`)).toBe("OK");
    expect(await ask("c")).toMatch(/swbreak:;$/);
    expect(await ask(`z0,${landing},1`)).toBe("OK");
    expect(await ask(`Z1,${landing},1`)).toBe("OK");
    expect(await ask("vCont;c")).toMatch(/hwbreak:;$/);
    expect(await ask("bc")).toMatch(/hwbreak:;$/);
    expect(await ask(`z1,${landing},1`)).toBe("OK");
    expect(await ask("c")).toMatch(/replaylog:end;$/);
    expect(said.at(-1)).toBe("run 1 of entry has returned 1\n");
  });

  test("a fault has its signal once", async () => {
    const { ask, timeline } = session(hierarchy(2), "linux-6.1");
    // a jump to where nothing is
    timeline.seek(5);
    expect(await ask(`P10=${"00".repeat(8)}`)).toBe("OK");
    expect(await ask("c")).toMatch(/^T0b/);
    expect(await ask("c")).toMatch(/^T05.*replaylog:end;$/);
  });

  test("objects come in parts", async () => {
    const { ask } = session(three);
    const whole = (await ask("qXfer:features:read:target.xml:0,10000"))!;
    expect(whole).toMatch(/^l<\?xml.*<\/target>\n$/s);
    const first = (await ask("qXfer:features:read:target.xml:0,20"))!;
    expect(first).toBe(`m${whole.slice(1, 0x21)}`);
    expect(await ask("qXfer:exec-file:read:1:0,100")).toBe("l/nowhere/t.elf");
    expect(await ask("qXfer:threads:read::0,1000")).toContain('<thread id="1" core="0"');
    expect(await ask("qXfer:memory-map:read::0,10000")).toContain('<memory type="ram" start="0xffffc90000001000"');
    expect(await ask("qXfer:features:read:other.xml:0,20")).toBe("E00");
  });

  test("only the program's file can be read, and it may be gone", async () => {
    const { ask } = session(three);
    const open = (name: string) => ask(`vFile:open:${Buffer.from(name).toString("hex")},0,0`);
    expect([await open("/etc/passwd"), await open("/nowhere/t.elf")]).toEqual(["F-1,2", "F-1,2"]);
    expect(await ask("vFile:pread:5,10,0")).toBe("F-1,9");
  });

  test.each(["Z9,0,1", "qOffsets", "vMustReplyEmpty", "!", "i", "bx"])("%s is not known here", async (packet) => {
    expect(await session(three).ask(packet)).toBe("");
  });

  test.each([
    "pzz",
    "p99",
    "P0=zz",
    "P0=11",
    "Gzz",
    "m",
    "mzz,4",
    "Z0,zz,1",
    "Z2,0,0",
    "M0,2:zz",
    "M0,3:0000",
    "Hg7",
    "T7",
  ])("%s is an error", async (packet) => {
    expect(await session(three).ask(packet)).toMatch(/^E(0e|16)$/);
  });
});

describe("monitor", () => {
  const monitor = async (line: string, text = hierarchy(2), profile = "linux-6.1") => {
    const { ask, said, timeline } = session(text, profile);
    timeline.seek(Math.min(100, timeline.end));
    expect(await ask(`qRcmd,${Buffer.from(line).toString("hex")}`)).toBe("OK");
    return said.join("");
  };

  test("goto goes to a place, and names the places where it cannot", async () => {
    expect(await monitor("goto finding")).toMatch(/^state \d+ of \d+: run 1 .*\nentry#sub\+0x18 /);
    expect(await monitor("goto tail call 33")).toMatch(/33 tail calls taken; .*\nentry\+0xb /);
    expect(await monitor("goto sub:3")).toMatch(/\nentry#sub\+0xc .*\nBPF 0: /);
    expect(await monitor("goto instruction 40")).toMatch(/^state 40 of .* 40 instructions in/);
    expect(await monitor("goto end")).toMatch(/^state (\d+) of \1:/);
    expect(await monitor("goto tail call 99")).toBe("the recording does not get to tail call 99\n");
    expect(await monitor("goto state 99999")).toMatch(
      /^the recording does not get to state 99999: it ends at state \d+\n/,
    );
    expect(await monitor("goto nowhere land")).toMatch(/^nowhere land is no place: expected start, end, /);
    expect(await monitor("goto finding", three, "linux-6.12")).toBe("no contract is broken: there is no finding\n");
    expect(await monitor("goto finding 2")).toBe("there is one finding\n");
  });

  test("frames draws the stack, also where a frame is not made yet", async () => {
    const { ask, said, timeline } = session(hierarchy(1), "linux-6.12");
    const frames = async (state: number, line = "frames") => {
      timeline.seek(state);
      await ask(`qRcmd,${Buffer.from(line).toString("hex")}`);
      return said.pop();
    };
    expect(await frames(0)).toBe("entry | ret |\n");
    const first = (name: string, offset: number): number => {
      for (let state = 0; ; state++) {
        timeline.seek(state);
        const at = timeline.machine.functionAt(timeline.pc);
        if (at?.func.image.name === name && at.offset === offset) return state;
      }
    };
    const [, sub] = timeline.machine.functions;
    const entry = "entry | ret | rbp | tcc 0 | tcc_ptr entry | rbx |\n";
    expect(await frames(first("entry#sub", 0))).toBe(`${entry}sub   | ret |\n`);
    expect(await frames(first("entry#sub", sub.image.landing! - 3))).toBe(`${entry}sub   | ret | rbp |\n`); // before mov
    expect(await frames(first("entry#sub", sub.image.body))).toBe(
      `${entry}sub   | ret | rbp | tcc_ptr entry | tcc_ptr entry |\n`,
    );
    expect(await frames(timeline.marks.tailCalls[32].state, "frames 2")).toBe(
      "... 32 frames above\nentry:33 | ret | rbp | tcc_ptr entry:1 | tcc_ptr entry:1 | rbx |\nentry:34 | ret | rbp |\n",
    );
    expect(await frames(0, "frames many")).toBe("many is no number of frames\n");
    expect(await frames(timeline.end)).toBe("no BPF function is under way\n");
  });

  test("contracts says what holds and what is broken; tailcalls where one is; registers what R0 to R10 hold", async () => {
    const contracts = await monitor("contracts");
    expect(contracts).toMatch(
      /^broken {2}tail-call-limit: tail call 34 .*\n {8}at state \d+, entry#sub\+0x18: expected /,
    );
    expect(contracts).toMatch(/^holds {3}callee-saved: /m);
    expect(await monitor("tailcalls")).toMatch(
      /^34 tail calls taken in run 1, 4 so far; .*\n {4}1 {2}.*\n.*\n.*\n.*\n {3}=> here\n/,
    );
    expect(await monitor("registers")).toMatch(/^r0 {2}0x\w+\n.*r10 0xffffc9\w+\n$/s);
  });

  test("help lists the commands; one that is not there is answered with the nearest", async () => {
    expect(await monitor("help")).toContain("monitor tailcalls ");
    expect(await monitor("")).toBe(await monitor("help"));
    expect(await monitor("tailcall")).toMatch(/^there is no "monitor tailcall".*tailcalls/);
    expect(await monitor("constructor")).toContain('there is no "monitor constructor"');
  });
});

describe("on the wire", () => {
  async function connect(one: Waiting) {
    const socket: Socket = createConnection(one.server.port, "127.0.0.1");
    const reader = new PacketReader();
    const queue: string[] = [];
    let wake = (): void => {};
    socket.on("data", (bytes) => {
      for (const got of reader.take(bytes)) queue.push(got.kind === "packet" ? got.data.toString("latin1") : got.kind);
      wake();
    });
    const next = async (): Promise<string> => {
      while (!queue.length)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      return queue.shift()!;
    };
    await new Promise((resolve) => socket.once("connect", resolve));
    return { socket, next, send: (data: string) => socket.write(encodePacket(data)) };
  }

  const started = async (text: string) => {
    const one = await waiting(text, "linux-6.12");
    open.push(one);
    return one;
  };

  test("packets are acknowledged, damaged ones asked for again, until both agree to do without", async () => {
    const { socket, next, send } = await connect(await started(three));
    socket.write("$g#00");
    expect(await next()).toBe("nak");
    send("qC");
    expect([await next(), await next()]).toEqual(["ack", "QC1"]);
    socket.write("-");
    expect(await next()).toBe("QC1");
    send("QStartNoAckMode");
    expect([await next(), await next()]).toEqual(["ack", "OK"]);
    send("qC");
    expect(await next()).toBe("QC1");
  });

  test("Ctrl-C stops a long search where it has got to", async () => {
    const long = program("r1 = 200000\nr2 = f ll\nr3 = 0\nr4 = 0\ncall bpf_loop\nr0 = 0\nexit\nf: r0 = 0\nexit");
    const one = await waiting(long, "linux-6.12", 8192);
    open.push(one);
    const { socket, next, send } = await connect(one);
    send("Z0,1234,1");
    expect([await next(), await next()]).toEqual(["ack", "OK"]);
    socket.write(Buffer.concat([encodePacket("c"), Buffer.of(3)]));
    expect([await next(), await next()]).toEqual(["ack", expect.stringMatching(/^T02/)]);
    expect(one.timeline.at).toBeLessThan(one.timeline.end);
    send("D");
    expect([await next(), await next()]).toEqual(["ack", "OK"]);
    await one.server.over;
  });

  test("a gdb that goes away without a word is over, too; who only looks in is not", async () => {
    const one = await started(three);
    (await connect(one)).socket.destroy();
    const first = await connect(one);
    const second = await connect(one);
    second.send("qC");
    expect([await second.next(), await second.next()]).toEqual(["ack", "QC1"]);
    first.send("qC");
    await new Promise((resolve) => first.socket.once("close", resolve)); // there is one gdb already
    second.socket.destroy();
    await one.server.over;
  });

  test("a port that somebody has is named", async () => {
    const one = await started(three);
    const again = serveGdb(
      { timeline: one.timeline, monitor: new Monitor(new DebugView(one.timeline, "")), program: "" },
      one.server.port,
    );
    await expect(again).rejects.toThrow(UserError);
    await expect(again).rejects.toThrow(
      `--gdb ${one.server.port}: cannot wait for gdb on port ${one.server.port}: somebody`,
    );
  });
});

test("nothing that is sent breaks it: hundreds of packets, most of them malformed", async () => {
  const { gdb, timeline } = session(hierarchy(1), "linux-6.12");
  let x = 4711;
  const below = (limit: number): number => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return Math.floor((x / 2 ** 32) * limit);
  };
  const heads = [
    "m",
    "M",
    "x",
    "X",
    "Z0",
    "Z2",
    "z4",
    "p",
    "P",
    "g",
    "G",
    "c",
    "s",
    "bc",
    "bs",
    "vCont",
    "vCont;",
    "vFile:open:",
  ];
  heads.push(
    "vFile:pread:",
    "H",
    "Hg",
    "T",
    "q",
    "qXfer:",
    "qXfer:features:read:",
    "qRcmd,",
    "qThreadExtraInfo,",
    "k",
    "D",
    "?",
  );
  const pieces = [
    ",",
    ";",
    ":",
    "=",
    "-1",
    "0",
    "1",
    "ffffffffc0000000",
    "ffffc90000004000",
    "zz",
    "target.xml",
    "\xff",
    "*",
    "676f746f",
    "read",
  ];
  for (let i = 0; i < 600; i++) {
    let packet = heads[below(heads.length)];
    for (let n = below(6); n > 0; n--) packet += pieces[below(pieces.length)];
    const { reply } = await gdb.answer(Buffer.from(packet, "latin1"));
    expect(reply === undefined || typeof reply === "string", packet).toBe(true);
  }
  expect(timeline.at).toBeLessThanOrEqual(timeline.end);

  const reader = new PacketReader();
  for (let i = 0; i < 600; i++) {
    const wire = Uint8Array.from({ length: below(40) }, () =>
      below(3) ? below(256) : "$#}*+-\x03"[below(7)].charCodeAt(0),
    );
    for (const got of reader.take(wire)) if (got.kind === "packet") await gdb.answer(got.data);
  }
});
