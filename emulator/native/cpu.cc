#include "cpu.h"

#include <cinttypes>
#include <mutex>

#include "inside.h"
#include "text.h"

namespace jitproof {
namespace {

constexpr size_t kMostIdle = 16;
constexpr uint64_t kMostUnmapped = 8192;  // pages: from outside, unmapping more takes longer than opening a new one
std::mutex poolLock;
std::vector<Cpu*> pool;

bool addHook(uc_engine* uc, int type, void* callback, void* data) {
  uc_hook hook;
  return uc_hook_add(uc, &hook, type, callback, data, 1, 0) == UC_ERR_OK;
}

}  // namespace

Cpu* Cpu::acquire(uint32_t hooks, Engine* engine, std::string* error) {
  Cpu* cpu = nullptr;
  {
    std::lock_guard<std::mutex> lock(poolLock);
    for (size_t i = pool.size(); i-- > 0 && !cpu;) {
      if (pool[i]->hooks_ != hooks) continue;
      cpu = pool[i];
      pool.erase(pool.begin() + i);
    }
  }
  if (!cpu) {
    cpu = new Cpu;
    if (!cpu->open(hooks, error)) {
      cpu->close();
      return nullptr;
    }
  }
  cpu->core.engine = engine;
  cpu->core.forgetPages();
  return cpu;
}

void Cpu::release(Cpu* cpu) {
  uint64_t pages = 0;
  for (const Piece& piece : cpu->pieces()) pages += piece.size / kPageSize;
  if (!cpu->worn() && (pages <= kMostUnmapped || storesAreSeen())) {
    cpu->unmapAll();
    cpu->core.engine = nullptr;
    std::lock_guard<std::mutex> lock(poolLock);
    if (pool.size() < kMostIdle) {
      pool.push_back(cpu);
      return;
    }
  }
  cpu->close();
}

bool Cpu::open(uint32_t hooks, std::string* error) {
  uc_err err = uc_open(UC_ARCH_X86, UC_MODE_64, &uc_);
  if (err != UC_ERR_OK) {
    uc_ = nullptr;
    *error = text("uc_open: %s", uc_strerror(err));
    return false;
  }
  hooks_ = hooks;
  core.uc = uc_;
  core.gpr = findGprs(uc_);
  bool ok = uc_context_alloc(uc_, &fresh_) == UC_ERR_OK && uc_context_save(uc_, fresh_) == UC_ERR_OK;
  if (hooks) {
    void* data = &core;
    ok = ok && addHook(uc_, UC_HOOK_CODE, reinterpret_cast<void*>(onCode), data);
    ok = ok && addHook(uc_, UC_HOOK_EDGE_GENERATED, reinterpret_cast<void*>(onTranslation), this);
  }
  ok = ok && addHook(uc_, UC_HOOK_MEM_INVALID, reinterpret_cast<void*>(onRefused), &core);
  ok = ok && addHook(uc_, UC_HOOK_INTR, reinterpret_cast<void*>(onInterrupt), &core);
  ok = ok && addHook(uc_, UC_HOOK_INSN_INVALID, reinterpret_cast<void*>(onInvalid), &core);
  if (hooks & kStores) ok = ok && addHook(uc_, UC_HOOK_MEM_WRITE, reinterpret_cast<void*>(onStore), &core);
  if (hooks & kLoads) ok = ok && addHook(uc_, UC_HOOK_MEM_READ, reinterpret_cast<void*>(onLoad), &core);
  if (!ok) *error = text("unicorn refuses our hooks: %s", uc_strerror(uc_errno(uc_)));
  return ok;
}

void Cpu::close() {
  if (fresh_) uc_context_free(fresh_);
  if (uc_) uc_close(uc_);
  delete this;
}

std::vector<Cpu::Piece> Cpu::pieces() const {
  uc_mem_region* regions = nullptr;
  uint32_t count = 0;
  std::vector<Piece> list;
  if (uc_mem_regions(uc_, &regions, &count) != UC_ERR_OK) return list;
  for (uint32_t i = 0; i < count; i++) {
    list.push_back({regions[i].begin, regions[i].end - regions[i].begin + 1, regions[i].perms});
  }
  uc_free(regions);
  return list;
}

// Unicorn finds a translation by its number for the page, and gives the numbers out again: what is translated must go
// before a mapping does.
void Cpu::unmapAll() {
  for (const Piece& piece : pieces()) {
    if (piece.prot & UC_PROT_EXEC) invalidate(piece.address, piece.size);
    unmap(uc_, piece.address, piece.size);
  }
}

std::string Cpu::map(const Region& region) {
  const uint64_t pages = region.pages();
  for (uint64_t first = 0; first < pages;) {
    const uint8_t prot = region.flags[first] & kPageProt;
    uint64_t end = first + 1;
    while (end < pages && (region.flags[end] & kPageProt) == prot) end++;
    const uc_err err = uc_mem_map_ptr(uc_, region.address + first * kPageSize, (end - first) * kPageSize, prot,
                                      region.host + first * kPageSize);
    if (err != UC_ERR_OK) {
      return text("uc_mem_map_ptr 0x%" PRIx64 ": %s", region.address + first * kPageSize, uc_strerror(err));
    }
    first = end;
  }
  core.forgetPages();
  return {};
}

std::string Cpu::protect(uint64_t address, uint64_t size, uint8_t prot) {
  // Splitting a mapping renumbers its pages, see unmapAll().
  for (const Piece& piece : pieces()) {
    const bool overlaps = address - piece.address < piece.size || piece.address - address < size;
    if (overlaps && (piece.prot & UC_PROT_EXEC)) invalidate(piece.address, piece.size);
  }
  const uc_err err = uc_mem_protect(uc_, address, size, prot);
  core.forgetPages();
  if (err != UC_ERR_OK) return text("uc_mem_protect 0x%" PRIx64 ": %s", address, uc_strerror(err));
  return {};
}

void Cpu::invalidate(uint64_t address, uint64_t size) {
  const uint64_t end = address + size;
  uc_ctl_remove_cache(uc_, address, end ? end : ~uint64_t{0});
  translated_ += 16;  // what will be translated again, where onTranslation() does not see it: no block came before
}

void Cpu::onTranslation(uc_engine*, uc_tb* block, uc_tb*, void* cpu) {
  static_cast<Cpu*>(cpu)->translated_ += block->icount + 1;
}

}  // namespace jitproof
