import { createReadStream, type ReadStream, statSync } from "node:fs";
import type { Readable } from "node:stream";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import { UserError } from "../error.ts";

/** The longest line that is read: a million instructions are 16 MB of hex. */
const MAX_LINE = 64 * 1024 * 1024;
const NEWLINE = 0x0a;

export interface Line {
  /** 1-based */
  number: number;
  bytes: Buffer;
}

/**
 * The lines of a file that need not fit into memory, unpacked by what its name ends in (.gz, .br); empty ones are left out.
 * Throws UserError with the line that was reached.
 */
export async function* readLines(file: string): AsyncGenerator<Line> {
  let number = 1;
  const fail = (message: string): never => {
    throw new UserError(message, { file, line: number });
  };
  let pieces: Buffer[] = [];
  let length = 0;
  const take = (end: Buffer): Line => {
    const bytes = pieces.length ? Buffer.concat([...pieces, end]) : end;
    pieces = [];
    length = 0;
    return { number, bytes };
  };
  const stream = open(file);
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      let from = 0;
      for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
        const line = take(chunk.subarray(from, at));
        if (!isBlank(line.bytes)) yield line;
        number++;
        from = at + 1;
      }
      length += chunk.length - from;
      if (length > MAX_LINE) fail(`a line of more than ${MAX_LINE >> 20} MiB`);
      if (from < chunk.length) pieces.push(chunk.subarray(from));
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code?.startsWith("Z_") || code?.startsWith("ERR__ERROR") || code === "ERR_BROTLI_DECOMPRESSION_FAILED")
      fail("is cut short or damaged: it does not unpack beyond here");
    fail(`cannot be read (${code ?? (error as Error).message})`);
  }
  const rest = take(Buffer.alloc(0));
  if (!isBlank(rest.bytes)) yield rest;
}

const isBlank = (bytes: Buffer): boolean => bytes.length === 0 || (bytes.length < 16 && !bytes.toString().trim());

function open(file: string): Readable {
  const stat = statSync(file, { throwIfNoEntry: false });
  if (!stat) throw new UserError("no such file or folder", { file });
  const stream: ReadStream = createReadStream(file, { highWaterMark: 1 << 18 });
  if (!/\.(gz|br)$/.test(file)) return stream;
  const unpacked = file.endsWith(".gz") ? createGunzip() : createBrotliDecompress();
  stream.on("error", (error) => unpacked.destroy(error));
  return stream.pipe(unpacked);
}
