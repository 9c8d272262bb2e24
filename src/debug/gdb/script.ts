/** Commands for gdb that connect it, and make it look anew where `monitor goto` has moved it. */
export const gdbScript = (program: string, port: number): string => `set confirm off
file ${program}
define hookpost-monitor
  maintenance flush register-cache
end
define goto
  if $argc == 1
    monitor goto $arg0
  end
  if $argc == 2
    monitor goto $arg0 $arg1
  end
  if $argc == 3
    monitor goto $arg0 $arg1 $arg2
  end
  frame
end
document goto
Go to a place of the recording: start, end, finding, tail call N, FUNCTION, instruction N. See monitor help.
end
target remote 127.0.0.1:${port}
`;
