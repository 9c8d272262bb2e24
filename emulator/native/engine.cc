#include "engine.h"

#include <algorithm>
#include <cinttypes>
#include <cstring>

#include "inside.h"
#include "text.h"

namespace jitproof {

Engine::Engine(uint64_t* block, const std::atomic<int32_t>* stopFlag, uint32_t options)
    : block_(block), stopFlag_(stopFlag), options_(options) {}

std::string Engine::describe() {
  unsigned major = 0, minor = 0;
  uc_version(&major, &minor);
  return text("unicorn %u.%u%s", major, minor, storesAreSeen() ? "" : " (stores through hooks)");
}

Engine::~Engine() {
  for (auto& [id, snapshot] : snapshots_) memory.release(&snapshot.memory);
  for (Cpu* cpu : cpus_) {
    if (cpu) Cpu::release(cpu);
  }
}

// The Unicorn instance for plain or traced runs, with all memory mapped and no stale translation.
Cpu* Engine::cpu(bool traced, std::string* error) {
  Cpu*& cpu = cpus_[traced];
  if (cpu && cpu->worn()) {
    Cpu::release(cpu);
    cpu = nullptr;
  }
  if (!cpu) {
    const bool inside = storesAreSeen() && !(options_ & kStoreHooks);
    uint32_t hooks = Cpu::kCode;
    if (!inside) hooks |= Cpu::kStores;
    if (traced) hooks |= Cpu::kStores | Cpu::kLoads;
    if (bare()) hooks = Cpu::kNone;
    cpu = Cpu::acquire(hooks, this, error);
    if (!cpu) return nullptr;
    cpu->core.inside = inside && !bare();
    for (auto& region : memory.regions()) {
      *error = cpu->map(*region);
      if (error->empty()) continue;
      Cpu::release(cpu);
      return cpu = nullptr;
    }
    stale_[traced].clear();
  }
  for (uint64_t page : stale_[traced]) cpu->invalidate(page, kPageSize);
  stale_[traced].clear();
  return cpu;
}

std::string Engine::map(uint64_t address, uint64_t size, uint8_t prot) {
  std::string error;
  Region* region = memory.map(address, size, prot, &error);
  if (!region) return error;
  for (const Stack& stack : stacks.all()) memory.flag(stack.low, stack.high - stack.low, kPageGuard);
  for (Cpu* cpu : cpus_) {
    if (cpu && error.empty()) error = cpu->map(*region);
  }
  return error;
}

std::string Engine::protect(uint64_t address, uint64_t size, uint8_t prot) {
  uint64_t hole;
  if (size == 0 || (address & kPageMask) || (size & kPageMask) || (prot & ~kPageProt)) {
    return text("protect: 0x%" PRIx64 " and 0x%" PRIx64 " bytes are not whole pages with a protection of 0..7", address,
                size);
  }
  if (memory.firstHole(address, size, &hole)) return text("protect: 0x%" PRIx64 " is not mapped", hole);
  if (!memory.protect(address, size, prot)) return {};
  std::string error;
  for (Cpu* cpu : cpus_) {
    if (cpu && error.empty()) error = cpu->protect(address, size, prot);
  }
  if (core_) core_->leaveBlock = true;
  return error;
}

std::string Engine::read(uint64_t address, uint8_t* to, uint64_t size) {
  uint64_t hole;
  if (memory.firstHole(address, size, &hole)) return text("read: 0x%" PRIx64 " is not mapped", hole);
  memory.copyOut(address, to, size);
  return {};
}

std::string Engine::write(uint64_t address, const uint8_t* from, uint64_t size) {
  uint64_t hole;
  if (memory.firstHole(address, size, &hole)) return text("write: 0x%" PRIx64 " is not mapped", hole);
  memory.copyIn(address, from, size, this);
  return {};
}

std::string Engine::mark(uint64_t address, const uint32_t* given, size_t count) {
  uint64_t hole;
  if (memory.firstHole(address, count, &hole)) return text("mark: 0x%" PRIx64 " is not mapped", hole);
  marks.set(address, given, count);
  return {};
}

std::string Engine::guardStack(uint64_t low, uint64_t high) {
  if (low >= high) return text("guardStack: 0x%" PRIx64 " is not below 0x%" PRIx64, low, high);
  stacks.guard(low, high);
  memory.flag(low, high - low, kPageGuard);
  return {};
}

void Engine::watch(uint32_t id, uint32_t flags, uint64_t limit) {
  if (id >= watches_.size()) watches_.resize(id + 1);
  watches_[id].flags = flags;
  watches_[id].limit = limit;
}

void Engine::resetHits() {
  for (WatchEntry& entry : watches_) entry.hits = 0;
}

// The host has changed bytes that may be translated.
void Engine::codeChanges(uint64_t address, uint64_t size) {
  // Where execution is forbidden now, Unicorn cannot find the translations; protect() drops them before it allows it.
  if (!memory.allows(address, size, kPageExec)) return;
  for (Cpu* cpu : cpus_) {
    if (cpu) cpu->invalidate(address, size);
  }
  if (core_) core_->leaveBlock = true;
}

void Engine::rewrittenBy(const Core* core, uint64_t address) {
  for (int i = 0; i < 2; i++) {
    if (!cpus_[i] || &cpus_[i]->core == core) continue;
    if (stale_[i].empty() || stale_[i].back() != address) stale_[i].push_back(address);
  }
}

void Engine::remember(Resume resume) {
  constexpr size_t kMost = 64;  // CPUs and tasks that can be stopped at a watch at the same time
  if (resumes_.size() == kMost) resumes_.erase(resumes_.begin());
  resumes_.push_back(resume);
}

uint32_t Engine::snapshot(size_t* bytes) {
  Snapshot& s = snapshots_[nextSnapshot_];
  s.memory = memory.save(bytes);
  s.registers = *registers();
  memcpy(&s.icount, &block_[kBlockIcount], sizeof s.icount);
  for (const WatchEntry& entry : watches_) s.hits.push_back(entry.hits);
  s.stacks = stacks.all();
  s.resumes = resumes_;
  s.ends = ends_;
  *bytes += sizeof s;
  return nextSnapshot_++;
}

std::string Engine::restore(uint32_t id) {
  auto found = snapshots_.find(id);
  if (found == snapshots_.end()) return "restore: the snapshot has been dropped";
  const Snapshot& s = found->second;
  memory.restore(s.memory, this);
  *registers() = s.registers;
  memcpy(&block_[kBlockIcount], &s.icount, sizeof s.icount);
  for (size_t i = 0; i < watches_.size(); i++) watches_[i].hits = i < s.hits.size() ? s.hits[i] : 0;
  stacks.restore(s.stacks);
  resumes_ = s.resumes;
  ends_ = s.ends;
  return {};
}

void Engine::drop(uint32_t id) {
  auto found = snapshots_.find(id);
  if (found == snapshots_.end()) return;
  memory.release(&found->second.memory);
  snapshots_.erase(found);
}

}  // namespace jitproof
