import { expect, test } from "vitest";
import { HELPER_NAMES, helperId, helperName } from "../../bpf/helper-ids.ts";

test("helpers have the ids of include/uapi/linux/bpf.h, 0 to 211", () => {
  expect(HELPER_NAMES).toHaveLength(212);
  expect(helperId("bpf_map_lookup_elem")).toBe(1);
  expect(helperId("bpf_tail_call")).toBe(12);
  expect(helperId("bpf_probe_read_kernel")).toBe(113);
  expect(helperId("bpf_loop")).toBe(181);
  expect(helperName(211)).toBe("bpf_cgrp_storage_delete");
});

test("both directions agree, and the unknown is undefined", () => {
  HELPER_NAMES.forEach((name, id) => void expect(helperId(name)).toBe(id));
  expect(helperName(212)).toBeUndefined();
  expect(helperName(-1)).toBeUndefined();
  expect(helperId("tail_call")).toBeUndefined();
});
