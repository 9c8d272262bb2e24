import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { isElf } from "../../bpf/elf/file.ts";
import { BpfObject } from "../../bpf/elf/object.ts";
import { FormatError } from "../../bpf/reader.ts";
import { UserError } from "../error.ts";

/** Bytes: an object with all its debug information. */
const MOST = 64 * 1024 * 1024;

/** Whether a file begins like an ELF object; false for what cannot be read. */
export function isObjectFile(file: string): boolean {
  try {
    const fd = openSync(file, "r");
    try {
      const start = new Uint8Array(4);
      return fstatSync(fd).isFile() && readSync(fd, start) === 4 && isElf(start);
    } finally {
      closeSync(fd);
    }
  } catch {
    return false;
  }
}

/** An ELF object as clang writes it. Throws UserError. */
export function readObject(file: string): BpfObject {
  return checked(file, () => new BpfObject(readBinary(file, "an ELF object")));
}

/** What `use` makes of a binary file; what is wrong with its format becomes a UserError. */
export function checked<T>(file: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof FormatError) throw new UserError(error.message, { file }, { cause: error });
    throw error;
  }
}

/** A file's bytes. Throws UserError when it is missing, no regular file, or larger than such files are. */
export function readBinary(file: string, expected: string): Uint8Array {
  try {
    const fd = openSync(file, "r");
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile())
        throw new UserError(`is ${stat.isDirectory() ? "a folder" : "no regular file"}; expected ${expected}`, {
          file,
        });
      if (stat.size > MOST)
        throw new UserError(`is ${stat.size} bytes; expected ${expected} of at most ${MOST}`, { file });
      return readFileSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "no such file" : code === "EACCES" ? "no permission to read it" : message;
    throw new UserError(why, { file }, { cause: error });
  }
}
