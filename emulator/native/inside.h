// What we reach inside a statically linked Unicorn 2.0.1. Without it everything works, at half the speed.
//
// Unicorn sends every guest store through page_collection_lock() and tb_invalidate_phys_page_fast() (accel/tcg/cputlb.c,
// notdirty_write), because the page might hold translated code: malloc, a tree, 100 ns and more a store. The linker hands
// us these calls (-Wl,--wrap). That tells us about every store, which no UC_HOOK_MEM_* does without making loads slow as
// well, and lets us answer at once for a page that cannot hold code. get_page_addr_code() gets the CPU state as its first
// argument, which begins with rax..r15. A test at the first start says whether all this holds here.
#pragma once
#include <unicorn/unicorn.h>

#include <cstdint>

namespace jitproof {

struct Core;

// A plain thread_local of a library that is loaded late costs a call, 20 ns, at each use: with a store each that is much.
// This one costs nothing, takes a few bytes of what the loader sets aside for such, and where it does not the library
// does not load, which the build would notice.
#define JITPROOF_THREAD_LOCAL thread_local __attribute__((tls_model("initial-exec")))

// The core whose uc_emu_start() is under way on this thread; its stores are reported to Core::store().
extern JITPROOF_THREAD_LOCAL Core* runningCore;

// Whether stores are reported to runningCore; measured once in a process.
bool storesAreSeen();
// Where `uc` keeps rax..r15, or null. The answer is checked against uc_reg_read and uc_reg_write.
uint64_t* findGprs(uc_engine* uc);
// uc_mem_unmap, with one flush of the TLB in place of one for each page (100 ns each).
void unmap(uc_engine* uc, uint64_t address, uint64_t size);
// Unicorn's own number for the page at this host address of a mapped region (ram_addr_t >> 12).
uint64_t ramPage(uc_engine* uc, const void* host);

}  // namespace jitproof
