import type { Monitor } from "../monitor.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { Breakpoints } from "./breakpoints.ts";
import { HostFiles } from "./host-files.ts";
import { Motion } from "./motion.ts";
import { fromHex, hexNumber } from "./packet.ts";
import { isRegister, readRegister, readRegisters, TARGET_XML, writeRegister, writeRegisters } from "./registers.ts";
import { type Reason, stopReply } from "./stops.ts";
import { threadId, threadName, threadNamed, threadsXml } from "./threads.ts";
import { memoryMapXml, transfer } from "./transfer.ts";

/** What comes of a packet: a reply, and how the connection goes on. */
export interface Answer {
  reply?: string;
  /** no more acknowledgements behind this reply; the session is over */
  next?: "no-ack" | "over";
}

/** Bytes of the largest packet, and so twice what a memory access may ask for. */
const PACKET_SIZE = 0x8000;
const FEATURES = [
  `PacketSize=${PACKET_SIZE.toString(16)}`,
  "QStartNoAckMode+",
  "ReverseStep+",
  "ReverseContinue+",
  "vContSupported+",
  "swbreak+",
  "hwbreak+",
  "binary-upload+",
  ...["features", "exec-file", "memory-map", "threads"].map((object) => `qXfer:${object}:read+`),
].join(";");

const EFAULT = "E0e";
const EINVAL = "E16";

/** One gdb's dealings with a recording: packets in, replies out. */
export class GdbSession {
  readonly #timeline: Timeline;
  readonly #monitor: Monitor;
  readonly #program: string;
  readonly #say: (text: string) => void;
  readonly #breakpoints = new Breakpoints();
  readonly #motion: Motion;
  readonly #files: HostFiles;
  #understands = { swbreak: false, hwbreak: false };
  /** whose registers are meant */
  #thread: bigint | undefined;

  /** `program`: path of the ELF file. `say`: shows text on gdb's console, while a packet is being answered. */
  constructor(timeline: Timeline, monitor: Monitor, program: string, say: (text: string) => void) {
    this.#timeline = timeline;
    this.#monitor = monitor;
    this.#program = program;
    this.#say = say;
    this.#motion = new Motion(timeline);
    this.#files = new HostFiles(program);
  }

  /** Ctrl-C, while a packet is being answered */
  interrupt(): void {
    this.#motion.interrupt();
  }

  close(): void {
    this.#files.close();
  }

  /** Answer a packet's data. What is not known is answered with nothing, as the protocol wants it; what is malformed with an error. */
  async answer(data: Buffer): Promise<Answer> {
    try {
      return await this.#answer(data.toString("latin1"));
    } finally {
      this.#motion.rest();
    }
  }

  async #answer(packet: string): Promise<Answer> {
    switch (packet[0]) {
      case "?":
        return { reply: this.#stopped({ kind: "stepped" }) };
      case "g":
        return { reply: readRegisters(this.#registers()) };
      case "G":
        return { reply: this.#writeRegisters(fromHex(packet.slice(1))) };
      case "p":
        return { reply: this.#readRegister(hexNumber(packet.slice(1))) };
      case "P":
        return { reply: this.#writeRegister(packet.slice(1)) };
      case "m":
      case "x":
        return { reply: this.#readMemory(packet) };
      case "M":
      case "X":
        return { reply: this.#writeMemory(packet) };
      case "Z":
      case "z":
        return { reply: this.#breakpoints.change(packet) };
      case "c":
      case "C":
      case "s":
      case "S":
        return this.#resume(packet);
      case "b":
        return this.#reverse(packet);
      case "H":
        return { reply: this.#chooseThread(packet) };
      case "T":
        return { reply: threadNamed(packet.slice(1), this.#timeline.threads) === undefined ? EINVAL : "OK" };
      case "D":
        return { reply: "OK", next: "over" };
      case "k":
        return { next: "over" };
      case "q":
      case "Q":
        return this.#query(packet);
      case "v":
        return this.#verbose(packet);
      default:
        return { reply: "" };
    }
  }

  /** The chosen thread's, or that of what runs. */
  #registers(): BigUint64Array {
    const timeline = this.#timeline;
    return timeline.registersOf(this.#thread ?? timeline.piece.tag) ?? timeline.registersOf(timeline.piece.tag)!;
  }

  #readRegister(number: bigint | undefined): string {
    if (number === undefined || !isRegister(Number(number))) return EINVAL;
    return readRegister(this.#registers(), Number(number));
  }

  #writeRegister(text: string): string {
    const [name, value = ""] = text.split("=");
    const number = Number(hexNumber(name) ?? -1);
    const bytes = fromHex(value);
    if (!isRegister(number) || !bytes) return EINVAL;
    return this.#change((words) => writeRegister(words, number, bytes));
  }

  #writeRegisters(bytes: Buffer | undefined): string {
    return bytes ? this.#change((words) => writeRegisters(words, bytes)) : EINVAL;
  }

  /** Alter the registers of what runs: what they were given already is no alteration. */
  #change(write: (words: BigUint64Array) => boolean): string {
    const timeline = this.#timeline;
    if (this.#thread !== undefined && this.#thread !== timeline.piece.tag) return EINVAL;
    const { regs } = timeline.machine.engine;
    const words = regs.slice();
    if (!write(words)) return EINVAL;
    if (words.some((word, i) => word !== regs[i])) timeline.alter(() => regs.set(words));
    return "OK";
  }

  /** m ADDRESS,LENGTH in hex; x the same, binary behind a `b`. */
  #readMemory(packet: string): string {
    const [address, length] = packet.slice(1).split(",").map(hexNumber);
    if (address === undefined || length === undefined) return EINVAL;
    const { memory } = this.#timeline.machine;
    const isBinary = packet[0] === "x";
    const size = Number(length < PACKET_SIZE / 2 ? length : PACKET_SIZE / 2 - 1);
    const range = memory.ranges.find(({ start, end }) => address >= start && address < end);
    if (size === 0) return isBinary ? "b" : "";
    if (!range) return EFAULT;
    const left = range.end - address;
    const bytes = Buffer.from(memory.read(address, left < size ? Number(left) : size));
    return isBinary ? `b${bytes.toString("latin1")}` : bytes.toString("hex");
  }

  /** M ADDRESS,LENGTH:hex, X ADDRESS,LENGTH:binary */
  #writeMemory(packet: string): string {
    const colon = packet.indexOf(":");
    const [address, length] = packet.slice(1, colon).split(",").map(hexNumber);
    const text = packet.slice(colon + 1);
    const bytes = packet[0] === "X" ? Buffer.from(text, "latin1") : fromHex(text);
    if (colon < 0 || address === undefined || !bytes || length !== BigInt(bytes.length)) return EINVAL;
    const { memory } = this.#timeline.machine;
    if (bytes.length === 0) return "OK";
    if (!memory.isMapped(address, bytes.length)) return EFAULT;
    if (!bytes.equals(memory.read(address, bytes.length))) this.#timeline.alter(() => memory.write(address, bytes));
    return "OK";
  }

  #chooseThread(packet: string): string {
    const tag = threadNamed(packet.slice(2), this.#timeline.threads);
    if (tag === undefined) return EINVAL;
    if (packet[1] === "g") this.#thread = tag;
    return "OK";
  }

  /** c [ADDRESS], s [ADDRESS], and C and S with a signal, which nobody here takes. */
  async #resume(packet: string): Promise<Answer> {
    if (!/^[cs]$|^[CS][0-9a-f]{2}$/i.test(packet)) return { reply: EINVAL };
    return this.#move(packet[0].toLowerCase() === "c" ? "continue" : "step");
  }

  async #reverse(packet: string): Promise<Answer> {
    if (packet === "bc") return this.#move("reverseContinue");
    return packet === "bs" ? this.#move("reverseStep") : { reply: "" };
  }

  async #move(how: "continue" | "step" | "reverseContinue" | "reverseStep"): Promise<Answer> {
    return { reply: this.#stopped(await this.#motion[how](this.#breakpoints.targets)) };
  }

  #stopped(reason: Reason): string {
    const timeline = this.#timeline;
    const { tag } = timeline.piece;
    this.#thread = tag;
    const kind = this.#breakpoints.kindAt(timeline.pc);
    const told = kind && this.#understands[kind] ? `${kind}:;` : "";
    if (reason.kind === "history" || reason.kind === "signal") this.#say(this.#monitor.ending());
    return stopReply(reason, threadId(tag), timeline.registersOf(tag)!, told);
  }

  async #query(packet: string): Promise<Answer> {
    const { threads, piece, machine } = this.#timeline;
    if (packet.startsWith("qSupported")) {
      this.#understands = { swbreak: /[:;]swbreak\+/.test(packet), hwbreak: /[:;]hwbreak\+/.test(packet) };
      return { reply: FEATURES };
    }
    if (packet === "QStartNoAckMode") return { reply: "OK", next: "no-ack" };
    if (packet === "qAttached" || packet.startsWith("qAttached:")) return { reply: "1" };
    if (packet === "qC") return { reply: `QC${threadId(piece.tag)}` };
    if (packet === "qfThreadInfo") return { reply: `m${threads.map(threadId).join(",")}` };
    if (packet === "qsThreadInfo") return { reply: "l" };
    if (packet.startsWith("qThreadExtraInfo,")) {
      const tag = threadNamed(packet.slice("qThreadExtraInfo,".length), threads);
      return { reply: tag === undefined ? EINVAL : Buffer.from(threadName(tag)).toString("hex") };
    }
    if (packet === "qSymbol::") return { reply: "OK" };
    if (packet.startsWith("qRcmd,")) return { reply: await this.#command(fromHex(packet.slice("qRcmd,".length))) };
    const [, object, annex, range] = /^qXfer:([\w-]+):read:([^:]*):(.*)$/s.exec(packet) ?? [];
    switch (object) {
      case "features":
        return { reply: transfer(annex === "target.xml" ? TARGET_XML : undefined, range) };
      case "exec-file":
        return { reply: transfer(this.#program, range) };
      case "memory-map":
        return { reply: transfer(memoryMapXml(machine.memory.ranges), range) };
      case "threads":
        return { reply: transfer(threadsXml(threads), range) };
      default:
        return { reply: "" };
    }
  }

  async #command(text: Buffer | undefined): Promise<string> {
    if (!text) return EINVAL;
    this.#say(await this.#monitor.run(text.toString("utf8")));
    this.#thread = this.#timeline.piece.tag;
    return "OK";
  }

  async #verbose(packet: string): Promise<Answer> {
    if (packet === "vCont?") return { reply: "vCont;c;C;s;S;t;r" };
    if (packet.startsWith("vCont;")) return this.#vCont(packet.slice("vCont;".length));
    if (packet.startsWith("vKill")) return { reply: "OK", next: "over" };
    if (packet.startsWith("vFile:")) return { reply: this.#files.answer(packet) };
    return { reply: "" };
  }

  /** Only what runs can go on: the first action is its. */
  async #vCont(actions: string): Promise<Answer> {
    const [action] = actions.split(";")[0].split(":");
    const range = /^r([0-9a-f]{1,16}),([0-9a-f]{1,16})$/i.exec(action);
    if (range) {
      const [start, end] = [BigInt(`0x${range[1]}`), BigInt(`0x${range[2]}`)];
      return { reply: this.#stopped(await this.#motion.step(this.#breakpoints.targets, { start, end })) };
    }
    return action === "t" ? { reply: "OK" } : this.#resume(action);
  }
}
