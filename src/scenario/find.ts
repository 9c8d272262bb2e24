import { existsSync, readdirSync, statSync } from "node:fs";
import { isAbsolute, join, normalize, relative, sep } from "node:path";
import { nearest } from "../../bpf/asm/nearest.ts";
import { UserError } from "../error.ts";
import { packageRoot } from "../root.ts";

/** A scenario's file and what it is called: see Scenario.id. */
export interface Found {
  id: string;
  file: string;
}

/** The catalogue that ships with the package. */
export function catalogue(): string {
  return join(packageRoot(), "scenarios");
}

/**
 * The scenario files that paths name, sorted within each folder, none twice: files, folders (all *.yaml below), or names in the
 * catalogue such as "hierarchy" and "hierarchy/two-calls". Without a path the whole catalogue. Throws UserError.
 */
export function findScenarios(paths: readonly string[]): Found[] {
  const found = new Map<string, Found>();
  const add = (entries: Found[]) => {
    for (const entry of entries) if (!found.has(normalize(entry.file))) found.set(normalize(entry.file), entry);
  };
  if (paths.length === 0) add(below(shown(catalogue())));
  for (const path of paths) add(named(path));
  return [...found.values()];
}

function named(path: string): Found[] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    const entries = below(path);
    if (entries.length === 0) throw new UserError("no .yaml file in this folder; expected scenarios", { file: path });
    return entries;
  }
  if (stat) return [{ id: idOf(path), file: path }];
  const home = shown(catalogue());
  const inside = join(home, path);
  if (existsSync(`${inside}.yaml`)) return [{ id: slashes(normalize(path)), file: `${inside}.yaml` }];
  if (!path.startsWith(".") && !isAbsolute(path) && existsSync(inside) && statSync(inside).isDirectory())
    return below(inside, slashes(normalize(path)));
  const ids = existsSync(home) ? below(home).map((entry) => entry.id) : [];
  const meant = nearest(path, ids);
  const question = meant === undefined ? "" : `; did you mean "${meant}"?`;
  throw new UserError(`no such file or folder, and no such scenario${question}`, { file: path });
}

/** All *.yaml files under a folder, by path. */
function below(folder: string, prefix = ""): Found[] {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry): Found[] => {
    const file = join(folder, entry.name);
    const id = prefix ? `${prefix}/${entry.name}` : entry.name;
    if (entry.isDirectory()) return entry.name.startsWith(".") ? [] : below(file, id);
    return entry.name.endsWith(".yaml") ? [{ id: id.slice(0, -".yaml".length), file }] : [];
  });
}

/** A single file's id: its path under the catalogue if it is there, else its path as far as it is below this folder. */
function idOf(file: string): string {
  for (const base of [catalogue(), process.cwd()]) {
    const inside = relative(base, file);
    if (!inside.startsWith("..") && !isAbsolute(inside)) return slashes(inside).replace(/\.yaml$/, "");
  }
  return slashes(file)
    .replace(/^.*\//, "")
    .replace(/\.yaml$/, "");
}

/** A path as people would type it: relative when it lies below the current folder. */
function shown(path: string): string {
  const inside = relative(process.cwd(), path);
  return inside === "" || inside.startsWith("..") || isAbsolute(inside) ? path : inside;
}

const slashes = (path: string) => path.split(sep).join("/");
