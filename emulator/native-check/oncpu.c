// Runs machine code that was compiled for a modelled kernel on the CPU that this is compiled for (x86-64 Linux only). Commands come on
// stdin, answers go to stdout, all numbers u64 little endian:
//   M addr size          map zeros there, readable, writable, executable
//   W addr size bytes    write
//   G base               gs base
//   T seconds            how long an entry may take from now on, 0: for ever
//   X entry context      call entry with context in rdi. Answer: signal that ended it or 0, rax, callee-saved registers that changed
//   L addr 0             load. Answer: what is there
//   C addr size bytes    compare. Answer: offset of the first byte that differs, or all ones
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// rax, rbx, rbp, r12 to r15 as the code left them
struct left {
  uint64_t rax, saved[6];
};

void enter(uint64_t entry, uint64_t context, struct left *left);

asm(".text\n"
    ".globl enter\n"
    "enter:\n"
    "  push %rbp\n"
    "  push %rbx\n"
    "  push %r12\n"
    "  push %r13\n"
    "  push %r14\n"
    "  push %r15\n"
    "  push %rdx\n"
    "  mov %rdi, %r11\n"
    "  mov %rsi, %rdi\n"
    "  xor %esi, %esi\n"
    "  mov $0x5eed0003, %ebx\n"
    "  mov $0x5eed0005, %ebp\n"
    "  mov $0x5eed000c, %r12d\n"
    "  mov $0x5eed000d, %r13d\n"
    "  mov $0x5eed000e, %r14d\n"
    "  mov $0x5eed000f, %r15d\n"
    "  call *%r11\n"
    "  mov (%rsp), %rdx\n"
    "  mov %rax, (%rdx)\n"
    "  mov %rbx, 8(%rdx)\n"
    "  mov %rbp, 16(%rdx)\n"
    "  mov %r12, 24(%rdx)\n"
    "  mov %r13, 32(%rdx)\n"
    "  mov %r14, 40(%rdx)\n"
    "  mov %r15, 48(%rdx)\n"
    "  pop %rdx\n"
    "  pop %r15\n"
    "  pop %r14\n"
    "  pop %r13\n"
    "  pop %r12\n"
    "  pop %rbx\n"
    "  pop %rbp\n"
    "  ret\n");

static const uint64_t SAVED[6] = {0x5eed0003, 0x5eed0005, 0x5eed000c, 0x5eed000d, 0x5eed000e, 0x5eed000f};

static sigjmp_buf out;

static void ended(int signal) { siglongjmp(out, signal); }

static void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

static uint64_t number(void) {
  uint64_t value;
  if (fread(&value, 8, 1, stdin) != 1) fail("the commands end too soon");
  return value;
}

static void answer(uint64_t value) {
  if (fwrite(&value, 8, 1, stdout) != 1) fail("the answer cannot be written");
}

static void map(uint64_t address, uint64_t size) {
  void *at = mmap((void *)address, size, PROT_READ | PROT_WRITE | PROT_EXEC,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (at != (void *)address) fail("mmap");
}

static void run(uint64_t entry, uint64_t context, unsigned seconds) {
  struct left left = {0};
  int signal = sigsetjmp(out, 1);
  if (!signal) {
    alarm(seconds);
    enter(entry, context, &left);
  }
  alarm(0);
  uint64_t changed = 0;
  for (int i = 0; i < 6; i++)
    if (!signal && left.saved[i] != SAVED[i]) changed |= 1u << i;
  answer(signal);
  answer(left.rax);
  answer(changed);
}

static void compare(uint64_t address, uint64_t size) {
  static unsigned char bytes[1 << 16];
  uint64_t differs = UINT64_MAX;
  if (size > sizeof bytes) fail("too much to compare");
  if (fread(bytes, 1, size, stdin) != size) fail("the commands end too soon");
  for (uint64_t i = 0; i < size && differs == UINT64_MAX; i++)
    if (((unsigned char *)address)[i] != bytes[i]) differs = i;
  answer(differs);
}

int main(void) {
  static char stack[1 << 16];
  stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  struct sigaction action = {.sa_handler = ended, .sa_flags = SA_ONSTACK | SA_NODEFER};
  const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM};
  if (sigaltstack(&alternate, NULL)) fail("sigaltstack");
  for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++)
    if (sigaction(signals[i], &action, NULL)) fail("sigaction");
  unsigned seconds = 10;
  for (int command; (command = getchar()) != EOF;) {
    uint64_t a = number();
    switch (command) {
    case 'M':
      map(a, number());
      break;
    case 'W': {
      uint64_t size = number();
      if (fread((void *)a, 1, size, stdin) != size) fail("the commands end too soon");
      break;
    }
    case 'G':
      if (syscall(SYS_arch_prctl, ARCH_SET_GS, a)) fail("arch_prctl");
      break;
    case 'T':
      seconds = a;
      break;
    case 'X':
      run(a, number(), seconds);
      break;
    case 'L':
      number();
      answer(*(uint64_t *)a);
      break;
    case 'C':
      compare(a, number());
      break;
    default:
      fail("unknown command");
    }
  }
  return fflush(stdout) ? 1 : 0;
}
