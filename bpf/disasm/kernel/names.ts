/** What the instructions alone don't tell whoever prints them as the kernel does. */
export interface KernelNames {
  /** the kernel function that the CALL at a slot calls, e.g. "bpf_map_lookup_elem#1" */
  call?(slot: number): string | undefined;
  /** what the LD_IMM64 at a slot loads, where it is no plain number */
  imm?(slot: number): string | undefined;
  /** where the distance to a called subprogram is: in imm as in a program, or in off as in a dump */
  distance?: "imm" | "off";
}
