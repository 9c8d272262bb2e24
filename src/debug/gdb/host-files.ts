import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { fromHex, hexNumber } from "./packet.ts";

const ENOENT = 2;
const EBADF = 9;
const EINVAL = 22;
const LARGEST_READ = 1 << 14;
/** The one file has always this descriptor. */
const FD = 5;

/** vFile: lets gdb read the program's ELF file, and no other, wherever gdb runs. */
export class HostFiles {
  readonly #file: string;
  #fd: number | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  /** The reply to "vFile:OPERATION:ARGUMENTS"; "" for operations that there are not. */
  answer(packet: string): string {
    const [, operation, argument = ""] = packet.split(":");
    const args = argument.split(",");
    switch (operation) {
      case "setfs":
        return "F0";
      case "open":
        return this.#open(args);
      case "close":
        this.close();
        return "F0";
      case "fstat":
        return this.#fstat();
      case "pread":
        return this.#pread(args);
      default:
        return "";
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open([name, flags]: string[]): string {
    if (fromHex(name)?.toString() !== this.#file || hexNumber(flags) !== 0n) return error(ENOENT);
    try {
      this.#fd ??= openSync(this.#file, "r");
    } catch {
      return error(ENOENT);
    }
    return `F${FD.toString(16)}`;
  }

  /** struct stat of the protocol: 64 bytes, big endian; mode and size are what gdb looks at. */
  #fstat(): string {
    if (this.#fd === undefined) return error(EBADF);
    const { mode, size } = fstatSync(this.#fd);
    const stat = Buffer.alloc(64);
    stat.writeUInt32BE(mode, 8);
    stat.writeBigUInt64BE(BigInt(size), 28);
    return `F40;${stat.toString("latin1")}`;
  }

  #pread([, count, offset]: string[]): string {
    if (this.#fd === undefined) return error(EBADF);
    const [size, from] = [hexNumber(count), hexNumber(offset)];
    if (size === undefined || from === undefined || from > Number.MAX_SAFE_INTEGER) return error(EINVAL);
    const bytes = Buffer.alloc(Math.min(Number(size), LARGEST_READ));
    const read = readSync(this.#fd, bytes, 0, bytes.length, Number(from));
    return `F${read.toString(16)};${bytes.toString("latin1", 0, read)}`;
  }
}

const error = (errno: number): string => `F-1,${errno.toString(16)}`;
