import type { Btf } from "../../bpf/btf/btf.ts";
import { layoutsOf } from "../../bpf/btf/layout.ts";
import { kernels } from "../../bpf/verifier/index.ts";
import type { BtfStructs } from "../../bpf/verifier/structs.ts";
import { kernelOf } from "../../jit/profile.ts";
import { profileNamed } from "../../jit/profiles/index.ts";
import { UserError } from "../error.ts";
import type { KernelOffsets } from "../runner/offsets.ts";
import { readBtf } from "./btf.ts";
import { checked } from "./object.ts";

const PERCPU = ".data..percpu";
/** Missing members that an error names. */
const SHOWN = 3;

/** What a kernel's BTF says of the structs that these profiles need. Throws UserError where it lacks some: it is another kernel's. */
export function readOffsets(file: string, profiles: readonly string[]): KernelOffsets {
  const btf = readBtf(file);
  return checked(file, () => {
    const wanted = new Set(profiles.map((name) => kernelOf(profileNamed(name)!)));
    const structs = Object.fromEntries([...wanted].map((kernel) => [kernel, layoutsFor(file, btf, kernel)]));
    return { structs, percpu: percpuOffsets(btf) };
  });
}

function layoutsFor(file: string, btf: Btf, kernel: string): BtfStructs {
  const known = kernels[kernel]?.structs;
  if (!known) throw new UserError(`no struct of ${kernel} is known that could be looked up in ${file}`);
  const { structs, missing } = layoutsOf(btf, known);
  if (missing.length) {
    const more = missing.length > SHOWN ? ` and ${missing.length - SHOWN} more` : "";
    throw new UserError(
      `has no ${missing.slice(0, SHOWN).join(", ")}${more}; expected the BTF of a kernel like ${kernel}`,
      { file },
    );
  }
  return structs;
}

/** Variables of the per-CPU section. Theirs are the only places of variables that BTF knows. */
function percpuOffsets(btf: Btf): Record<string, number> {
  const offsets: Record<string, number> = {};
  for (const id of btf.find(PERCPU, "datasec")) {
    const section = btf.type(id);
    if (section.kind === "datasec") for (const { type, offset } of section.vars) offsets[btf.type(type).name] = offset;
  }
  return offsets;
}
