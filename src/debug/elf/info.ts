import { BPF_REGISTERS } from "../bpf-registers.ts";
import { ByteWriter } from "./bytes.ts";
import { DWARF_REGISTERS } from "./frames.ts";

const DW_TAG_array_type = 0x01;
const DW_TAG_compile_unit = 0x11;
const DW_TAG_subrange_type = 0x21;
const DW_TAG_base_type = 0x24;
const DW_TAG_subprogram = 0x2e;
const DW_TAG_variable = 0x34;
const DW_AT_location = 0x02;
const DW_AT_name = 0x03;
const DW_AT_byte_size = 0x0b;
const DW_AT_stmt_list = 0x10;
const DW_AT_low_pc = 0x11;
const DW_AT_high_pc = 0x12;
const DW_AT_language = 0x13;
const DW_AT_comp_dir = 0x1b;
const DW_AT_producer = 0x25;
const DW_AT_count = 0x37;
const DW_AT_decl_file = 0x3a;
const DW_AT_decl_line = 0x3b;
const DW_AT_encoding = 0x3e;
const DW_AT_external = 0x3f;
const DW_AT_frame_base = 0x40;
const DW_AT_type = 0x49;
const DW_FORM_addr = 0x01;
const DW_FORM_data4 = 0x06;
const DW_FORM_data8 = 0x07;
const DW_FORM_string = 0x08;
const DW_FORM_data1 = 0x0b;
const DW_FORM_ref4 = 0x13;
const DW_FORM_sec_offset = 0x17;
const DW_FORM_exprloc = 0x18;
const DW_FORM_flag_present = 0x19;
const DW_LANG_C99 = 0x0c;
const DW_ATE_unsigned = 0x07;
const DW_OP_addr = 0x03;
const DW_OP_reg0 = 0x50;
const DW_OP_call_frame_cfa = 0x9c;

/** A function of the source: where its code is, and the line where it begins. */
export interface FunctionInfo {
  name: string;
  address: bigint;
  size: number;
  line: number;
}

/** A variable of u64s at an address. */
export interface VariableInfo {
  name: string;
  address: bigint;
  /** u64s in an element, and how many elements */
  words: number;
  elements: number;
}

export interface UnitInfo {
  folder: string;
  file: string;
  address: bigint;
  size: number;
  functions: readonly FunctionInfo[];
  variables: readonly VariableInfo[];
}

const UNIT = 1;
const U64 = 2;
const FUNCTION = 3;
const REGISTER = 4;
const VARIABLE = 5;
const ARRAY = 6;
const COUNT = 7;

/** Entries by number: tag, whether they have children, attributes with their forms. */
const ABBREVIATIONS: Record<number, [tag: number, children: 0 | 1, attributes: number[][]]> = {
  [UNIT]: [
    DW_TAG_compile_unit,
    1,
    [
      [DW_AT_producer, DW_FORM_string],
      [DW_AT_language, DW_FORM_data1],
      [DW_AT_name, DW_FORM_string],
      [DW_AT_comp_dir, DW_FORM_string],
      [DW_AT_low_pc, DW_FORM_addr],
      [DW_AT_high_pc, DW_FORM_data8],
      [DW_AT_stmt_list, DW_FORM_sec_offset],
    ],
  ],
  [U64]: [
    DW_TAG_base_type,
    0,
    [
      [DW_AT_name, DW_FORM_string],
      [DW_AT_encoding, DW_FORM_data1],
      [DW_AT_byte_size, DW_FORM_data1],
    ],
  ],
  [FUNCTION]: [
    DW_TAG_subprogram,
    1,
    [
      [DW_AT_external, DW_FORM_flag_present],
      [DW_AT_name, DW_FORM_string],
      [DW_AT_decl_file, DW_FORM_data1],
      [DW_AT_decl_line, DW_FORM_data4],
      [DW_AT_type, DW_FORM_ref4],
      [DW_AT_low_pc, DW_FORM_addr],
      [DW_AT_high_pc, DW_FORM_data8],
      [DW_AT_frame_base, DW_FORM_exprloc],
    ],
  ],
  [REGISTER]: [
    DW_TAG_variable,
    0,
    [
      [DW_AT_name, DW_FORM_string],
      [DW_AT_type, DW_FORM_ref4],
      [DW_AT_location, DW_FORM_exprloc],
    ],
  ],
  [VARIABLE]: [
    DW_TAG_variable,
    0,
    [
      [DW_AT_name, DW_FORM_string],
      [DW_AT_type, DW_FORM_ref4],
      [DW_AT_external, DW_FORM_flag_present],
      [DW_AT_location, DW_FORM_exprloc],
    ],
  ],
  [ARRAY]: [DW_TAG_array_type, 1, [[DW_AT_type, DW_FORM_ref4]]],
  [COUNT]: [DW_TAG_subrange_type, 0, [[DW_AT_count, DW_FORM_data4]]],
};

/** .debug_abbrev */
export function debugAbbrev(): Buffer {
  const out = new ByteWriter();
  for (const [code, [tag, children, attributes]] of Object.entries(ABBREVIATIONS)) {
    out.uleb(Number(code)).uleb(tag).u8(children);
    for (const [attribute, form] of attributes) out.uleb(attribute).uleb(form);
    out.u8(0, 0);
  }
  return out.u8(0).take();
}

/** gdb looks for the end of a prologue in the line table where the producer's name begins so; it would not find it in the code. */
const PRODUCER = "clang (in truth jitproof)";

/** unit_length, version, debug_abbrev_offset and address_size are before the first entry. */
const LENGTH_SIZE = 4;

/** .debug_info (DWARF 4): one unit; each function has the BPF registers as its variables. */
export function debugInfo({ folder, file, address, size, functions, variables }: UnitInfo): Buffer {
  const unit = new ByteWriter().u16(4).u32(0).u8(8);
  const here = (): number => LENGTH_SIZE + unit.length;
  unit.uleb(UNIT).string(PRODUCER).u8(DW_LANG_C99).string(file).string(folder).u64(address).u64(BigInt(size)).u32(0);
  const u64 = here();
  unit.uleb(U64).string("u64").u8(DW_ATE_unsigned, 8);
  for (const { name, line, address: at, size: bytes } of functions) {
    unit.uleb(FUNCTION).string(name).u8(1).u32(line).u32(u64).u64(at).u64(BigInt(bytes));
    unit.uleb(1).u8(DW_OP_call_frame_cfa);
    for (const [i, register] of BPF_REGISTERS.entries())
      unit
        .uleb(REGISTER)
        .string(`r${i}`)
        .u32(u64)
        .uleb(1)
        .u8(DW_OP_reg0 + DWARF_REGISTERS[register]);
    unit.u8(0);
  }
  for (const { name, address: at, words, elements } of variables) {
    const type = here();
    unit.uleb(ARRAY).u32(u64).uleb(COUNT).u32(elements);
    if (words > 1) unit.uleb(COUNT).u32(words);
    unit.u8(0);
    unit.uleb(VARIABLE).string(name).u32(type).uleb(9).u8(DW_OP_addr).u64(at);
  }
  return new ByteWriter().sized(unit.u8(0)).take();
}
