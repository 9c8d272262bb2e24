import type { RawContext, RawScenario } from "./grammar.ts";
import { SKB_FIELDS } from "./names.ts";
import { hexBytes } from "./raw.ts";
import type { Context, ProgramSpec } from "./scenario.ts";

type RawProgram = NonNullable<RawScenario["programs"]>[number][1];

/** The programs in the order of the file. */
export function linkPrograms(raw: readonly [string, RawProgram][]): ProgramSpec[] {
  const names = raw.map(([name]) => name);
  return raw.map(([name, program]) => ("code" in program ? written(name, program, names) : plain(name, program)));
}

function plain(name: string, { here }: Extract<RawProgram, { value: string }>): ProgramSpec {
  return { name, type: "classifier", code: here.source(), at: here.position() };
}

function written(name: string, raw: Extract<RawProgram, { code: unknown }>, names: readonly string[]): ProgramSpec {
  const { here, attach } = raw;
  const wanted = attach && (attach.type === "freplace" ? "ext" : "tracing");
  const type = raw.type ?? wanted ?? "classifier";
  if (wanted && type !== wanted) here.fail(`expected type ${wanted} for an ${attach.type} program, found ${type}`);
  if (!attach && (type === "tracing" || type === "ext")) here.fail(`expected the key "attach" in a ${type} program`);
  const spec: ProgramSpec = { name, type, code: raw.code.here.source(), at: here.position() };
  if (raw.form === "xlated") {
    if (attach) here.fail("expected a program that is not attached, as form is xlated");
    spec.xlated = true;
  }
  if (attach) {
    const { program: target, args, cookie } = attach;
    if (target && !names.includes(target.value)) target.here.unknown("program", target.value, names);
    if (target?.value === name) target.here.fail("a program cannot be attached to itself");
    spec.attach = {
      type: attach.type,
      function: attach.function.value,
      ...attach.function.here.position(),
      ...(target ? { program: target.value } : {}),
      ...(args === undefined ? {} : { args }),
      ...(cookie === undefined ? {} : { cookie }),
    };
  }
  return spec;
}

/** The context of a run: packet and fields of struct __sk_buff, or arguments. */
export function linkContext(raw: RawContext | undefined): Context | undefined {
  if (!raw) return undefined;
  const fields = SKB_FIELDS.flatMap((name) => {
    const field = raw[name];
    return field ? [{ name, value: field.value }] : [];
  });
  if (raw.args) {
    if (raw.data !== undefined || fields.length) raw.here.fail("expected either args or data and fields, found both");
    return { kind: "args", args: raw.args };
  }
  const data = typeof raw.data === "string" ? hexBytes(raw.data) : new Uint8Array(raw.data?.length ?? 0);
  return { kind: "packet", data, fields };
}
