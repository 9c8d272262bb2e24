import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../error.ts";

const CAPTURE = /^x86_64-.+\.jsonl(\.br|\.gz)?$/;

/** Capture files: those named, and the x86-64 ones of folders that are named. Throws UserError. */
export function captureFiles(paths: readonly string[]): string[] {
  if (!paths.length) throw new UserError("which capture? expected VARIANT.jsonl[.br] files or a folder of them");
  return paths.flatMap((path) => {
    if (!isFolder(path)) return [path];
    const found = readdirSync(path).filter((name) => CAPTURE.test(name));
    if (!found.length) throw new UserError("has no x86_64-*.jsonl[.br] in it", { file: path });
    return found.sort().map((name) => join(path, name));
  });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    throw new UserError("no such file or folder", { file: path });
  }
}
