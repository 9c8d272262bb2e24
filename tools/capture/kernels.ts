import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Debian's kernels by their series: the suite that has the newest of it, and the package that depends on it. */
const SERIES: Record<string, { suite: string; archive: string }> = {
  "6.1": { suite: "bookworm-security", archive: "http://deb.debian.org/debian-security" },
  "6.12": { suite: "trixie", archive: "http://deb.debian.org/debian" },
  sid: { suite: "sid", archive: "http://deb.debian.org/debian" },
};
const META = "linux-image-cloud-amd64";

/** What --kernel takes. */
export const KERNELS = `${Object.keys(SERIES).join(", ")}, a Debian package, or a file (vmlinuz or .deb)`;

/** The bzImage that a name means, downloaded by apt and unpacked, not installed, into `cache`. Throws Error. */
export function findKernel(name: string, cache: string): string {
  mkdirSync(cache, { recursive: true });
  if (/\.deb$/.test(name) && existsSync(name)) return unpack(name, cache);
  if (existsSync(name)) return name;
  const series = SERIES[name];
  if (!series && !/^linux-image-[\w.+-]+$/.test(name)) throw new Error(`--kernel ${name}: expected ${KERNELS}`);
  const options = series ? suiteOptions(series, cache) : [];
  const apt = (tool: string, ...args: string[]): string =>
    execFileSync(tool, [...options, ...args], { encoding: "utf8", cwd: cache, stdio: ["ignore", "pipe", "pipe"] });
  if (series) apt("apt-get", "update");
  const version = /^\s*Depends: (linux-image-\S+)$/m;
  const wanted = series ? version.exec(apt("apt-cache", "depends", META))?.[1] : name;
  if (!wanted) throw new Error(`${META} of ${series?.suite} depends on no kernel`);
  const have = (): string | undefined =>
    readdirSync(cache).find((file) => file.startsWith(`${wanted}_`) && file.endsWith(".deb"));
  if (!have()) apt("apt-get", "download", wanted);
  const deb = have();
  if (!deb) throw new Error(`apt-get download ${wanted} left no package`);
  return unpack(join(cache, deb), cache);
}

/** A package's /boot/vmlinuz-*. */
function unpack(deb: string, cache: string): string {
  const folder = join(cache, "unpacked", deb.replace(/^.*\//, "").replace(/\.deb$/, ""));
  const boot = join(folder, "boot");
  const image = (): string | undefined =>
    existsSync(boot) ? readdirSync(boot).find((file) => file.startsWith("vmlinuz")) : undefined;
  mkdirSync(folder, { recursive: true });
  if (!image()) execFileSync("dpkg-deb", ["--extract", deb, folder]);
  const found = image();
  if (!found) throw new Error(`${deb} has no /boot/vmlinuz-*`);
  return join(boot, found);
}

/** apt with a list and a state of its own, so that nobody needs to be root and the system's suites do not matter. */
function suiteOptions({ suite, archive }: { suite: string; archive: string }, cache: string): string[] {
  const state = join(cache, "apt", suite);
  mkdirSync(join(state, "lists", "partial"), { recursive: true });
  mkdirSync(join(state, "archives", "partial"), { recursive: true });
  const list = join(state, "sources.list");
  writeFileSync(list, `deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${archive} ${suite} main\n`);
  return [
    ["Dir::Etc::sourcelist", list],
    ["Dir::Etc::sourceparts", "-"],
    ["Dir::State::lists", join(state, "lists")],
    ["Dir::Cache", join(state, "archives")],
    ["APT::Get::List-Cleanup", "0"],
    ["Debug::NoLocking", "1"],
  ].flatMap(([key, value]) => ["-o", `${key}=${value}`]);
}
