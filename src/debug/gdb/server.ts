import { createServer, type Server, type Socket } from "node:net";
import { UserError } from "../../error.ts";
import type { Monitor } from "../monitor.ts";
import type { Timeline } from "../timeline/timeline.ts";
import { ACKNOWLEDGE, encodePacket, PacketReader, REFUSE } from "./packet.ts";
import { GdbSession } from "./session.ts";

const LOOPBACK = "127.0.0.1";
/** Characters of one piece of console output. */
const CONSOLE_CHUNK = 4000;

/** What gdb is to see. */
export interface Debuggee {
  timeline: Timeline;
  monitor: Monitor;
  /** path of the ELF file */
  program: string;
}

export interface GdbServer {
  port: number;
  /** gdb has detached, killed the program, or gone away. Rejects with what went wrong in answering it. */
  over: Promise<void>;
  close(): void;
}

/** Wait for gdb on the loopback; port 0: any free one. Serves one gdb, once: the first that says something. Throws UserError for a port that cannot be had. */
export async function serveGdb(debuggee: Debuggee, port: number): Promise<GdbServer> {
  const server = createServer();
  let settle = { over: () => {}, failed: (_: unknown) => {} };
  const over = new Promise<void>((resolve, reject) => {
    settle = { over: resolve, failed: reject };
  });
  over.catch(() => {}); // whoever awaits it hears of it, too
  const sockets = new Set<Socket>();
  let inCharge: Connection | undefined;
  server.on("connection", (socket) => {
    sockets.add(socket);
    const connection: Connection = new Connection(socket, debuggee, () => {
      inCharge ??= connection;
      return inCharge === connection;
    });
    connection.over.then(() => {
      sockets.delete(socket);
      if (inCharge === connection) settle.over();
    }, settle.failed);
  });
  await listen(server, port);
  const close = (): void => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  const address = server.address();
  return { port: typeof address === "object" && address ? address.port : port, over, close };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", ({ code, message }: NodeJS.ErrnoException) => {
      const why = {
        EADDRINUSE: "somebody else has it; name another one, or 0 for any that is free",
        EACCES: "only root may have it; name one above 1023, or 0 for any that is free",
      }[code ?? ""];
      reject(new UserError(`--gdb ${port}: cannot wait for gdb on port ${port}: ${why ?? message}`));
    });
    server.listen(port, LOOPBACK, resolve);
  });
}

/** One gdb that is connected: frames, acknowledgements, and packets one after the other. */
class Connection {
  readonly over: Promise<void>;
  readonly #socket: Socket;
  readonly #session: GdbSession;
  readonly #reader = new PacketReader();
  #queue: Promise<void> = Promise.resolve();
  #acknowledges = true;
  #last: Buffer | undefined;
  readonly #mayAnswer: () => boolean;
  /** packets that are not answered yet */
  #pending = 0;
  #isOver = false;
  #end: () => void = () => {};
  #fail: (error: unknown) => void = () => {};

  /** `mayAnswer`: asked when a packet has come; false: another gdb is being served. */
  constructor(socket: Socket, { timeline, monitor, program }: Debuggee, mayAnswer: () => boolean) {
    this.#socket = socket;
    this.#mayAnswer = mayAnswer;
    this.#session = new GdbSession(timeline, monitor, program, (text) => this.#say(text));
    this.over = new Promise((resolve, reject) => {
      this.#end = resolve;
      this.#fail = reject;
    });
    socket.setNoDelay(true);
    socket.on("data", (bytes) => this.#take(bytes));
    socket.on("error", () => {}); // "close" follows
    socket.on("close", () => {
      this.#isOver = true;
      this.#session.interrupt();
      this.#queue.then(() => {
        this.#session.close();
        this.#end();
      });
    });
  }

  #take(bytes: Uint8Array): void {
    for (const received of this.#reader.take(bytes)) {
      if (received.kind === "interrupt") {
        if (this.#pending) this.#session.interrupt();
      } else if (received.kind === "nak" && this.#last) this.#socket.write(this.#last);
      else if (received.kind === "damaged" && this.#acknowledges) this.#socket.write(REFUSE);
      else if (received.kind === "packet") {
        if (!this.#mayAnswer()) {
          this.#socket.destroy();
          return;
        }
        if (this.#acknowledges) this.#socket.write(ACKNOWLEDGE);
        this.#pending++;
        this.#queue = this.#queue.then(() => this.#answer(received.data)).catch((error) => this.#broken(error));
      }
    }
  }

  async #answer(data: Buffer): Promise<void> {
    if (this.#isOver) return;
    const { reply, next } = await this.#session.answer(data);
    this.#pending--;
    if (reply !== undefined) this.#send(reply);
    if (next === "no-ack") this.#acknowledges = false;
    if (next === "over") {
      this.#isOver = true;
      this.#socket.end();
    }
  }

  #broken(error: unknown): void {
    this.#isOver = true;
    this.#fail(error);
    this.#socket.destroy();
  }

  #say(text: string): void {
    const hex = Buffer.from(text).toString("hex");
    for (let at = 0; at < hex.length; at += CONSOLE_CHUNK) this.#send(`O${hex.slice(at, at + CONSOLE_CHUNK)}`);
  }

  #send(reply: string): void {
    this.#last = encodePacket(reply);
    if (!this.#socket.destroyed) this.#socket.write(this.#last);
  }
}
