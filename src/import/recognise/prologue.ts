import { isPatchSite, lastS32, type Piece, type Pieces } from "./code.ts";

/**
 * How a kernel's JIT begins a function, by age. pointer: since 6.12 (tail_call_cnt_ptr); value: 5.10 to 6.11; pushed-slot: 5.5 to 5.9;
 * short-slot: the same without patch site, to 5.4; fixed-slot: before 4.12.
 */
export type Era = "pointer" | "value" | "pushed-slot" | "short-slot" | "fixed-slot";

/** Code in front of bpf_func that checks the type of an indirect call. */
export type Preamble = "kCFI" | "FineIBT";

/** What a function's first instructions say. Offsets in bytes from the first byte that was dumped. */
export interface Prologue {
  era: Era;
  /** what the count's slot in front of the frame says; classic: it has none */
  role: "counts" | "hands-on" | "no-tail-calls" | "classic" | "exception-callback";
  preamble?: Preamble;
  /** bpf_func */
  entry: number;
  /** it begins with endbr64, or with what FineIBT puts in its place */
  ibt: boolean;
  /** patch site of trampolines, and where it goes when one is attached */
  patchSite?: number;
  trampoline?: number;
  /** where a tail call lands */
  landing?: number;
  /** bytes of BPF stack */
  depth: number;
  /** callee-saved registers that it pushes */
  saved: string[];
  /** per-CPU address of the top of its private stack */
  privateStack?: bigint;
  /** the first BPF instruction */
  body: number;
}

const ENDBR64 = "f30f1efa";
const POISON = ["0f1f40d6", "660f1f00"];
const PUSHES: Record<string, string> = { 53: "rbx", 4154: "r12", 4155: "r13", 4156: "r14", 4157: "r15" };
const SAVED = ["rbx", "r13", "r14", "r15"];
/** mov rsp, rsi; mov rbp, rdx; the pops; mov rsp, rbp */
const EXCEPTION_FRAME = ["4889f4", "4889d5", "415f", "415e", "415d", "5b", "415c", "4889ec"];
/** cmp rax, 33; ja; push rax; mov rax, rsp; jmp; push rax */
const COUNT_OR_POINTER = [/^4883f8/, /^7706$/, /^50$/, /^4889e0$/, /^eb01$/, /^50$/, /^50$/];

/** What a kernel's JIT has written at the code's start; undefined: no prologue that any had. */
export function readPrologue({ pieces }: Pieces): Prologue | undefined {
  const cursor = new Cursor(pieces);
  const preamble = skipPreamble(cursor);
  const entry = cursor.at;
  const ibt = cursor.take(ENDBR64, ...(preamble === "FineIBT" ? POISON : [])) !== undefined;
  const site = isPatchSite(cursor.piece) ? cursor.next() : undefined;
  const slot = site && cursor.take("4831c0", "0f1f00", "31c0", "6690");
  const start = {
    entry,
    ibt,
    saved: [],
    depth: 0,
    ...(preamble ? { preamble } : {}),
    ...(site ? { patchSite: site.at } : {}),
    ...(site?.target === undefined ? {} : { trampoline: site.target }),
  };
  if (site && cursor.all(EXCEPTION_FRAME.map((hex) => new RegExp(`^${hex}$`))))
    return rest(cursor, {
      ...start,
      era: slot?.length === 2 ? "value" : "pointer",
      role: "exception-callback",
      body: 0,
    });
  if (!cursor.take("55") || !cursor.take("4889e5")) return undefined;
  if (!slot) return withoutSlot(cursor, start);
  const landing = cursor.at;
  const pad = ibt && cursor.take(ENDBR64) !== undefined;
  if (ibt && !pad) return undefined;
  const era = slot.length === 3 ? "pointer" : "value";
  const xor = slot.hex.endsWith("31c0");
  const depth = stackDepth(cursor) ?? 0;
  const kept = keeps(cursor, era, xor);
  const role = xor ? "counts" : kept ? "hands-on" : "no-tail-calls";
  return rest(cursor, { ...start, era, role, landing, depth, body: 0 });
}

type Start = Pick<Prologue, "entry" | "ibt" | "depth" | "saved"> & Partial<Prologue>;

/** Older than 5.10, or compiled from classic BPF, whose functions nobody tail-calls. */
function withoutSlot(cursor: Cursor, start: Start): Prologue | undefined {
  const old = start.ibt ? undefined : oldFrame(cursor, start.patchSite !== undefined);
  if (old) {
    const { era, depth, saved } = old;
    return { ...start, era, role: "counts", landing: cursor.at, depth, saved, body: cursor.at };
  }
  if (start.patchSite === undefined) return undefined;
  if (start.ibt) cursor.take(ENDBR64);
  return rest(cursor, { ...start, era: "value", role: "classic", depth: stackDepth(cursor) ?? 0, body: 0 });
}

/** The frames that tail-called programs shared. */
function oldFrame(cursor: Cursor, patchSite: boolean): Pick<Prologue, "era" | "depth" | "saved"> | undefined {
  const back = cursor.index;
  const depth = stackDepth(cursor);
  if (depth !== undefined) {
    if (cursor.all([/^53$/, /^4155$/, /^4156$/, /^4157$/, /^6a00$/]))
      return { era: patchSite ? "pushed-slot" : "short-slot", depth, saved: SAVED };
    const stores = [/^48899d/, /^4c89ad/, /^4c89b5/, /^4c89bd/, /^31c0$/, /^488985/];
    if (!patchSite && cursor.all(stores)) return { era: "fixed-slot", depth: 512, saved: SAVED };
  }
  cursor.index = back;
  return undefined;
}

/** Whether the frame keeps a count, or a pointer to one: a tail call is reachable. */
function keeps(cursor: Cursor, era: Era, counts: boolean): boolean {
  if (era === "value") return cursor.take("50") !== undefined;
  if (counts) return cursor.all(COUNT_OR_POINTER);
  return cursor.all([/^50$/, /^50$/]);
}

/** Behind the frame: registers that are saved, the private stack. */
function rest(cursor: Cursor, prologue: Prologue): Prologue {
  const saved: string[] = [];
  for (let name = PUSHES[cursor.piece.hex]; name; name = PUSHES[cursor.piece.hex]) {
    saved.push(name);
    cursor.next();
  }
  const back = cursor.index;
  const privateStack = intoR9(cursor.piece);
  if (privateStack !== undefined) cursor.next();
  if (privateStack !== undefined && cursor.piece.hex.startsWith("654c030c25")) {
    cursor.next();
    return { ...prologue, saved, privateStack, body: cursor.at };
  }
  cursor.index = back;
  return { ...prologue, saved, body: cursor.at };
}

/** The constant that goes to r9: mov r9d, imm32; mov r9, imm32, sign-extended; movabs r9, imm64 */
function intoR9(piece: Piece): bigint | undefined {
  const { hex } = piece;
  if (/^41b9/.test(hex)) return BigInt.asUintN(32, BigInt(lastS32(piece)));
  if (/^49c7c1/.test(hex)) return BigInt.asUintN(64, BigInt(lastS32(piece)));
  return /^49b9/.test(hex) ? Buffer.from(hex.slice(4), "hex").readBigUInt64LE() : undefined;
}

/** sub rsp, imm */
function stackDepth(cursor: Cursor): number | undefined {
  const { hex } = cursor.piece;
  if (hex.startsWith("4881ec")) return lastS32(cursor.next());
  if (hex.startsWith("4883ec")) return Number.parseInt(cursor.next().hex.slice(6), 16);
  return undefined;
}

/** 16 bytes that end where bpf_func begins. */
function skipPreamble(cursor: Cursor): Preamble | undefined {
  const back = cursor.index;
  const kind = cursor.all([/^b8/, ...new Array(11).fill(/^90$/)])
    ? "kCFI"
    : cursor.take(ENDBR64) && /^(2d|4181ea)/.test(cursor.piece.hex)
      ? "FineIBT"
      : undefined;
  if (kind === "FineIBT") while (cursor.at < 16 && cursor.piece.length) cursor.next();
  if (kind && cursor.at === 16) return kind;
  cursor.index = back;
  return undefined;
}

const NOTHING: Piece = { at: -1, length: 0, hex: "", flags: 0 };

/** Goes through instructions. */
class Cursor {
  readonly #pieces: readonly Piece[];
  index = 0;

  constructor(pieces: readonly Piece[]) {
    this.#pieces = pieces;
  }

  get piece(): Piece {
    return this.#pieces[this.index] ?? NOTHING;
  }

  /** Offset of the next instruction. */
  get at(): number {
    const last = this.#pieces[this.#pieces.length - 1] ?? NOTHING;
    return this.#pieces[this.index]?.at ?? last.at + last.length;
  }

  next(): Piece {
    const { piece } = this;
    this.index++;
    return piece;
  }

  /** The next instruction, if it is one of these. */
  take(...hex: string[]): Piece | undefined {
    return hex.includes(this.piece.hex) ? this.next() : undefined;
  }

  /** Whether these follow; then they are passed. */
  all(patterns: readonly RegExp[]): boolean {
    if (!patterns.every((pattern, i) => pattern.test(this.#pieces[this.index + i]?.hex ?? ""))) return false;
    this.index += patterns.length;
    return true;
  }
}
