import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { X86Profile } from "../../jit/profile.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import { UserError } from "../error.ts";

const CAPTURE = /^x86_64-.+\.jsonl(\.br|\.gz)?$/;

/** Whether a path means captures, by its name: a folder, or VARIANT.jsonl[.br]; other files are dumps. */
export function isCapturePath(path: string): boolean {
  return /\.jsonl(\.br|\.gz)?$/.test(path) || (existsSync(path) && statSync(path).isDirectory());
}

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

/** The profiles to be compiled for: those that were asked for, else what each capture's own kernel is (undefined). */
export function askedProfiles(
  { profiles }: { profiles: readonly string[] },
  { profile }: { profile?: readonly string[] },
): (X86Profile | undefined)[] {
  return profile ? profiles.map((name) => profileNamed(name)) : [undefined];
}

/** What a report calls a capture, and the profile that takes its kernel's place. */
export const variantName = (variant: string, profile: X86Profile | undefined): string =>
  profile ? `${variant} as ${profile.name}` : variant;
