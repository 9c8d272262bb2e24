/** C types of parameters, by their bytes; a struct of two longs is passed in two registers. */
export const SIZES = { char: 1, short: 2, int: 4, long: 8, "int *": 8, "struct of two longs": 16 } as const;
export type Parameter = keyof typeof SIZES;

/** A function of the kernel's own tests that programs may be attached to: it returns the sum of its arguments, and `plus`. */
export interface KernelFunction {
  name: string;
  parameters: readonly Parameter[];
  plus?: number;
  /** words that the kernel's tests call it with; for a pointer what it points to */
  calledWith: readonly bigint[];
  /** fmod_ret programs may decide in its place */
  modifiable?: true;
}

const upFrom = (first: number, count: number): bigint[] => Array.from({ length: count }, (_, i) => BigInt(first + i));

/** net/bpf/test_run.c, and the module bpf_testmod of the selftests */
export const KERNEL_FUNCTIONS: readonly KernelFunction[] = [
  { name: "bpf_fentry_test1", parameters: ["int"], plus: 1, calledWith: [1n], modifiable: true },
  {
    name: "bpf_fentry_test6",
    parameters: ["long", "long", "short", "int", "long", "long"],
    calledWith: upFrom(16, 6),
  },
  { name: "bpf_modify_return_test", parameters: ["int", "int *"], calledWith: [1n, 2n], modifiable: true },
  {
    name: "bpf_testmod_fentry_test7",
    parameters: ["long", "long", "char", "int", "long", "char", "int"],
    calledWith: upFrom(16, 7),
  },
  {
    name: "bpf_testmod_fentry_test11",
    parameters: ["long", "long", "short", "int", "long", "char", "int", "int", "long", "long", "long"],
    calledWith: upFrom(16, 11),
  },
  {
    name: "bpf_testmod_test_struct_arg_1",
    parameters: ["struct of two longs", "int", "int"],
    calledWith: [2n, 3n, 1n, 4n],
  },
];
