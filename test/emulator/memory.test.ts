import { expect, test } from "vitest";
import { EngineError, MARK_RET, PROT_READ, RAX, RDI, RIP } from "../../emulator/engine.ts";
import { begin, DATA, makeEngine, peek, poke, RW, RX, rig, run, TEXT } from "./rig.ts";

test("mapped pages are zeros", () => {
  const engine = makeEngine();
  engine.map(DATA, 0x2000, RW);
  expect(engine.read(DATA, 0x2000)).toEqual(new Uint8Array(0x2000));
});

test("read and write go across regions that touch, and ignore protection", () => {
  const engine = makeEngine();
  engine.map(DATA, 0x1000, PROT_READ);
  engine.map(DATA + 0x1000n, 0x1000, 0);
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  engine.write(DATA + 0xfcen, bytes);
  expect(engine.read(DATA + 0xfcen, 100)).toEqual(bytes);
});

test("the first unmapped address is named", () => {
  const engine = makeEngine();
  engine.map(0x10000n, 0x1000, RW);
  expect(() => engine.read(0x10ffcn, 8)).toThrow(new EngineError("read: 0x11000 is not mapped"));
  expect(() => engine.write(0xfff8n, new Uint8Array(16))).toThrow(new EngineError("write: 0xfff8 is not mapped"));
  expect(() => engine.mark(0x10ffen, new Uint32Array(3))).toThrow(new EngineError("mark: 0x11000 is not mapped"));
  expect(() => engine.protect(0x10000n, 0x2000, RW)).toThrow(new EngineError("protect: 0x11000 is not mapped"));
});

test("a write that is not mapped to its end writes nothing", () => {
  const engine = makeEngine();
  engine.map(0x10000n, 0x1000, RW);
  expect(() => engine.write(0x10ffcn, new Uint8Array(8).fill(1))).toThrow(EngineError);
  expect(engine.read(0x10ffcn, 4)).toEqual(new Uint8Array(4));
});

test("overlaps and parts of pages are refused", () => {
  const engine = makeEngine();
  engine.map(0x10000n, 0x3000, RW);
  expect(() => engine.map(0xf000n, 0x2000, RW)).toThrow(new EngineError("map: 0x10000 is already mapped"));
  expect(() => engine.map(0x11000n, 0x1000, RW)).toThrow(new EngineError("map: 0x11000 is already mapped"));
  expect(() => engine.map(0x20001n, 0x1000, RW)).toThrow(EngineError);
  expect(() => engine.map(0x20000n, 0x800, RW)).toThrow(EngineError);
  expect(() => engine.map(0x20000n, 0, RW)).toThrow(EngineError);
  expect(() => engine.map(0xfffffffffffff000n, 0x2000, RW)).toThrow(EngineError);
});

test("nothing of it costs what is not touched", () => {
  const engine = makeEngine();
  engine.map(0x100000000n, 2 ** 30, RW); // a GiB
  poke(engine, 0x13ffffff8n, 5n);
  expect(peek(engine, 0x13ffffff8n)).toBe(5n);
  expect(engine.snapshot().bytes).toBeLessThan(100_000);
});

test("a page mapped after a fault on it lets the run go on", () => {
  const { engine, line } = rig([
    ["48890f", "mov [rdi], rcx"],
    ["c3", "ret", MARK_RET],
  ]);
  engine.regs[RDI] = 0x40000n;
  expect(run(engine)).toMatchObject({ kind: "fault", addr: 0x40000n, mapped: false });
  engine.map(0x40000n, 0x1000, RW);
  expect(engine.regs[RIP]).toBe(line[0]);
  expect(run(engine).kind).toBe("until");
});

test("protect takes effect at once, on part of a region, and back", () => {
  const { engine } = rig([
    ["48890f", "mov [rdi], rcx"],
    ["488b07", "mov rax, [rdi]"],
    ["c3", "ret", MARK_RET],
  ]);
  const target = DATA + 0x1008n;
  const attempt = () => {
    begin(engine);
    engine.regs[1] = 6n;
    engine.regs[RDI] = target;
    return run(engine);
  };
  expect(attempt().kind).toBe("until");
  engine.protect(DATA + 0x1000n, 0x1000, PROT_READ);
  expect(attempt()).toMatchObject({ kind: "fault", access: "write", addr: target, mapped: true });
  poke(engine, target, 9n); // the host may
  expect(peek(engine, target)).toBe(9n);
  engine.protect(DATA + 0x1000n, 0x1000, 0);
  engine.regs[RIP] = TEXT + 3n;
  expect(run(engine)).toMatchObject({ kind: "fault", access: "read", addr: target, mapped: true });
  engine.protect(DATA, 0x4000, RW);
  expect(attempt().kind).toBe("until");
  expect(engine.regs[RAX]).toBe(6n);
  expect(peek(engine, target)).toBe(6n);
});

test("code cannot be fetched from pages without PROT_EXEC", () => {
  const { engine } = rig([["c3", "ret", MARK_RET]]);
  expect(run(engine).kind).toBe("until");
  engine.protect(TEXT, 0x1000, RW);
  begin(engine);
  expect(run(engine)).toEqual({ kind: "fault", pc: TEXT, access: "fetch", addr: TEXT, size: 0, mapped: true });
  engine.protect(TEXT, 0x1000, RX);
  expect(run(engine).kind).toBe("until");
});
