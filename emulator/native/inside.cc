#include "inside.h"

#include <sys/mman.h>

#include <cstring>
#include <mutex>

#include "engine.h"

namespace jitproof {

JITPROOF_THREAD_LOCAL Core* runningCore = nullptr;

}  // namespace jitproof

#ifndef JITPROOF_INSIDE  // Unicorn is a shared library, or one without these functions

namespace jitproof {

bool storesAreSeen() { return false; }
uint64_t* findGprs(uc_engine*) { return nullptr; }
uint64_t ramPage(uc_engine*, const void*) { return ~uint64_t{0}; }
bool Core::store(uint64_t, uint64_t) { return false; }
void unmap(uc_engine* uc, uint64_t address, uint64_t size) { uc_mem_unmap(uc, address, size); }

}  // namespace jitproof

#else

using jitproof::Core;
using jitproof::runningCore;

namespace {

char noCode;  // stands for the page collection of a store that cannot hit code
JITPROOF_THREAD_LOCAL void** envWanted = nullptr;
enum Flushing { kEachPage, kOnce, kDone };
JITPROOF_THREAD_LOCAL Flushing flushing = kEachPage;

}  // namespace

extern "C" {

void* __real_page_collection_lock_x86_64(void* uc, uint64_t start, uint64_t end);
void __real_page_collection_unlock_x86_64(void* pages);
void __real_tb_invalidate_phys_page_fast_x86_64(void* uc, void* pages, uint64_t start, int size, uintptr_t returnTo);
uint64_t __real_get_page_addr_code_x86_64(void* env, uint64_t address);
void __real_tlb_flush_page_x86_64(void* cpu, uint64_t address);
void tlb_flush_x86_64(void* cpu);
uint64_t qemu_ram_addr_from_host_x86_64(void* uc, void* host);

void* __wrap_page_collection_lock_x86_64(void* uc, uint64_t start, uint64_t end) {
  Core* core = runningCore;
  if (core && core->uc == uc && core->store(start, end - start)) return &noCode;
  return __real_page_collection_lock_x86_64(uc, start, end);
}

void __wrap_tb_invalidate_phys_page_fast_x86_64(void* uc, void* pages, uint64_t start, int size, uintptr_t returnTo) {
  if (pages != &noCode) __real_tb_invalidate_phys_page_fast_x86_64(uc, pages, start, size, returnTo);
}

void __wrap_page_collection_unlock_x86_64(void* pages) {
  if (pages != &noCode) __real_page_collection_unlock_x86_64(pages);
}

void __wrap_tlb_flush_page_x86_64(void* cpu, uint64_t address) {
  if (flushing == kEachPage) return __real_tlb_flush_page_x86_64(cpu, address);
  if (flushing == kOnce) tlb_flush_x86_64(cpu);
  flushing = kDone;
}

uint64_t __wrap_get_page_addr_code_x86_64(void* env, uint64_t address) {
  if (envWanted) *envWanted = env;
  return __real_get_page_addr_code_x86_64(env, address);
}
}

namespace jitproof {

bool Core::findRamPage(uint64_t page, StoreSlot* slot) {
  if (ramRanges.empty()) {
    uc_mem_region* pieces = nullptr;
    uint32_t count = 0;
    uc_mem_regions(uc, &pieces, &count);
    for (uint32_t i = 0; i < count; i++) {
      Region* region = engine->memory.find(pieces[i].begin);
      const PageRef first{region, (pieces[i].begin - region->address) / kPageSize};
      ramRanges.push_back({jitproof::ramPage(uc, first.host()), (pieces[i].end - pieces[i].begin) / kPageSize + 1, first});
    }
    uc_free(pieces);
  }
  for (const RamRange& range : ramRanges) {
    if (page - range.ramPage >= range.pages) continue;
    *slot = {page, {range.first.region, range.first.index + (page - range.ramPage)}};
    return true;
  }
  return false;
}

bool Core::store(uint64_t ram, uint64_t size) {
  StoreSlot& slot = storeSlots[ram / kPageSize % kSlots];
  if (slot.ramPage != ram / kPageSize) {
    if (!engine) {  // the self-test
      probed++;
      probedRam = ram;
      return true;
    }
    if (!findRamPage(ram / kPageSize, &slot)) return false;
  }
  const uint64_t offset = ram & kPageMask;
  const uint8_t known = slot.page.flags() & (kPageDirty | kPageCode | kPageGuard);
  if (offset <= kPageSize - kReach && !(flags & (kFaulted | kProbing))) {
    if (known == (kPageDirty | kPageGuard)) checkStack(slot.page.address() + offset, size);
    if ((known & ~kPageGuard) == kPageDirty) return true;
  }
  return slowStore(slot.page, offset, size);
}

uint64_t ramPage(uc_engine* uc, const void* host) {
  return qemu_ram_addr_from_host_x86_64(uc, const_cast<void*>(host)) / kPageSize;
}

void unmap(uc_engine* uc, uint64_t address, uint64_t size) {
  flushing = kOnce;
  uc_mem_unmap(uc, address, size);
  flushing = kEachPage;
}

uint64_t* findGprs(uc_engine* uc) {
  void* env = nullptr;
  envWanted = &env;
  uc_ctl_remove_cache(uc, uint64_t{0}, uint64_t{1});  // asks for the page of address 0
  envWanted = nullptr;
  if (!env) return nullptr;
  uint64_t* gpr = static_cast<uint64_t*>(env);

  RegisterFile file{}, back{};
  for (int i = 0; i < kGprs; i++) file.word[i] = 0x5a5a'0000'1234'0000u + i * 0x0001'0001u;
  writeRegisters(uc, nullptr, file);
  bool same = memcmp(gpr, file.word, kGprs * sizeof *gpr) == 0;
  if (same) {
    for (int i = 0; i < kGprs; i++) gpr[i] = ~file.word[i];
    readRegisters(uc, nullptr, &back);
    for (int i = 0; i < kGprs; i++) same = same && back.word[i] == ~file.word[i];
  }
  writeRegisters(uc, nullptr, {});
  return same ? gpr : nullptr;
}

namespace {

// Four stores to one page, among them one that the processor would do twice: each must be seen, with the page's number.
bool selfTest() {
  constexpr uint64_t kCode = 0x10000, kData = 0x20000, kUntil = 0x30000;
  static const uint8_t code[] = {
      0x48, 0x89, 0x07,              // mov [rdi], rax
      0x48, 0x8b, 0x0f,              // mov rcx, [rdi]
      0x48, 0x89, 0x47, 0x08,        // mov [rdi+8], rax
      0xf0, 0x48, 0xff, 0x07,        // lock inc qword [rdi]
      0x57,                          // push rdi
      0x68, 0x00, 0x00, 0x03, 0x00,  // push kUntil
      0xc3,                          // ret
  };
  uc_engine* uc = nullptr;
  if (uc_open(UC_ARCH_X86, UC_MODE_64, &uc) != UC_ERR_OK) return false;
  void* host = mmap(nullptr, 2 * kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  bool good = false;
  if (host != MAP_FAILED) {
    uint8_t* data = static_cast<uint8_t*>(host) + kPageSize;
    memcpy(host, code, sizeof code);
    RegisterFile file{};
    file.word[0] = 41;                  // rax
    file.word[7] = kData;               // rdi
    file.word[kRsp] = kData + 0x800;
    auto core = std::make_unique<Core>();
    core->forgetPages();
    core->uc = uc;
    good = uc_mem_map_ptr(uc, kCode, kPageSize, UC_PROT_READ | UC_PROT_EXEC, host) == UC_ERR_OK &&
           uc_mem_map_ptr(uc, kData, kPageSize, UC_PROT_READ | UC_PROT_WRITE, data) == UC_ERR_OK;
    writeRegisters(uc, nullptr, file);
    Core* const outer = runningCore;
    runningCore = core.get();
    good = good && uc_emu_start(uc, kCode, kUntil, 0, 0) == UC_ERR_OK;
    runningCore = outer;
    good = good && core->probed == 5 && core->probedRam / kPageSize == ramPage(uc, data) && *data == 42;
  }
  uc_close(uc);
  if (host != MAP_FAILED) munmap(host, 2 * kPageSize);
  return good;
}

}  // namespace

bool storesAreSeen() {
  static const bool seen = selfTest();
  return seen;
}

}  // namespace jitproof

#endif
