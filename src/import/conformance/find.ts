import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { UserError } from "../../error.ts";
import { type DataTest, type Inapplicable, parseDataFile } from "./data-file.ts";

/** A test's file and its name: the path below the folder that was named, without .data. */
export interface FoundTest {
  name: string;
  file: string;
}

/** Tests that files and folders name, folders with all below them. Throws UserError where there are none. */
export function findDataFiles(paths: readonly string[]): FoundTest[] {
  return paths.flatMap((path) => {
    if (!statSync(path).isDirectory()) return [{ name: nameOf(path, dirname(path)), file: path }];
    const files = readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".data"));
    if (!files.length) throw new UserError("has no .data files in it", { file: path });
    return files.sort().map((name) => ({ name: nameOf(join(path, name), path), file: join(path, name) }));
  });
}

const nameOf = (file: string, folder: string): string =>
  relative(folder, file)
    .replace(/\.data$/, "")
    .split(sep)
    .join("/");

/** Reads and parses one test. Throws UserError. */
export function readDataFile(file: string): DataTest | Inapplicable {
  return parseDataFile(readText(file), file, (name) => {
    const folders = [dirname(file), dirname(dirname(file))];
    const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
    if (!found) throw new UserError(`names ${name}, which is not beside it`, { file });
    return readText(found);
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new UserError(`cannot be read (${(error as NodeJS.ErrnoException).code})`, { file }, { cause: error });
  }
}
