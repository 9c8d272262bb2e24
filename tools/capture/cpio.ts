/** A file of an initramfs; a mode with 040000 set is a folder. */
export interface Entry {
  name: string;
  mode: number;
  content: Uint8Array;
}

const TRAILER = "TRAILER!!!";

/** An archive as the kernel unpacks it at boot (Documentation/driver-api/early-userspace/buffer-format.rst, "newc"). */
export function cpio(entries: readonly Entry[]): Uint8Array {
  const all = [...entries, { name: TRAILER, mode: 0, content: new Uint8Array() }];
  return Buffer.concat(all.flatMap(({ name, mode, content }, i) => entry(i + 1, name, mode, content)));
}

function entry(inode: number, name: string, mode: number, content: Uint8Array): Uint8Array[] {
  const fields = [inode, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, name.length + 1, 0];
  const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
  return [padded(Buffer.from(`${header}${name}\0`)), padded(content)];
}

/** Everything begins at a multiple of four bytes. */
const padded = (bytes: Uint8Array): Uint8Array => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
