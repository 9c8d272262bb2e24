#include "memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "text.h"

namespace jitproof {

Memory::~Memory() {
  for (auto& region : regions_) {
    Contents own{region->leaves};
    release(&own);
    munmap(region->host, region->size);
    free(region->flags);
  }
}

Region* Memory::map(uint64_t address, uint64_t size, uint8_t prot, std::string* error) {
  if (size == 0 || (address & kPageMask) || (size & kPageMask) || (prot & ~kPageProt)) {
    *error = text("map: 0x%" PRIx64 " and 0x%" PRIx64 " bytes are not whole pages with a protection of 0..7", address, size);
    return nullptr;
  }
  if (address + size - 1 < address) {
    *error = text("map: 0x%" PRIx64 " and 0x%" PRIx64 " bytes wrap around the address space", address, size);
    return nullptr;
  }
  for (Region* r : sorted_) {
    if (address - r->address < r->size || r->address - address < size) {
      *error = text("map: 0x%" PRIx64 " is already mapped", std::max(address, r->address));
      return nullptr;
    }
  }
  void* host = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  uint8_t* flags = static_cast<uint8_t*>(calloc(size / kPageSize, 1));
  if (host == MAP_FAILED || !flags) {
    if (host != MAP_FAILED) munmap(host, size);
    free(flags);
    *error = text("map: the host has no 0x%" PRIx64 " bytes", size);
    return nullptr;
  }
  madvise(host, size, MADV_NOHUGEPAGE);  // a touched byte shall not cost 2 MiB
  const uint8_t first = prot | (prot & kPageExec ? kPageCode : 0);
  if (first) memset(flags, first, size / kPageSize);

  regions_.push_back(
      std::make_unique<Region>(Region{address, size, static_cast<uint8_t*>(host), flags, regions_.size(), {}}));
  Region* region = regions_.back().get();
  region->leaves.resize((region->pages() + Leaf::kPages - 1) / Leaf::kPages, nullptr);
  sorted_.insert(std::upper_bound(sorted_.begin(), sorted_.end(), region,
                                  [](const Region* a, const Region* b) { return a->address < b->address; }),
                 region);
  return region;
}

bool Memory::protect(uint64_t address, uint64_t size, uint8_t prot) {
  bool changed = false;
  for (uint64_t page = address / kPageSize; page <= (address + size - 1) / kPageSize; page++) {
    Region* r = find(page * kPageSize);
    uint8_t& flags = r->flags[page - r->address / kPageSize];
    changed = changed || (flags & kPageProt) != prot;
    flags = (flags & ~kPageProt) | prot | (prot & kPageExec ? kPageCode : 0);
  }
  return changed;
}

void Memory::flag(uint64_t address, uint64_t size, PageFlag flag) {
  for (auto& r : regions_) {
    const uint64_t from = std::max(address, r->address);
    const uint64_t last = std::min(address + size - 1, r->address + r->size - 1);
    for (uint64_t at = from; at <= last && last - at < r->size; at += kPageSize) {
      r->flags[(at - r->address) / kPageSize] |= flag;
    }
    if (from <= last) r->flags[(last - r->address) / kPageSize] |= flag;
  }
}

Region* Memory::find(uint64_t address) {
  if (last_ && last_->holds(address)) return last_;
  auto after = std::upper_bound(sorted_.begin(), sorted_.end(), address,
                                [](uint64_t a, const Region* r) { return a < r->address; });
  if (after == sorted_.begin() || !after[-1]->holds(address)) return nullptr;
  return last_ = after[-1];
}

uint8_t* Memory::host(uint64_t address, uint64_t size) {
  Region* r = find(address);
  if (!r || size > r->size - (address - r->address)) return nullptr;
  return r->host + (address - r->address);
}

bool Memory::firstHole(uint64_t address, uint64_t size, uint64_t* hole) {
  while (size) {
    Region* r = find(address);
    if (!r) {
      *hole = address;
      return true;
    }
    const uint64_t here = std::min(size, r->size - (address - r->address));
    address += here;
    size -= here;
  }
  return false;
}

bool Memory::allows(uint64_t address, uint64_t size, PageFlag right) {
  for (uint64_t page = address / kPageSize; page <= (address + size - 1) / kPageSize; page++) {
    Region* r = find(page * kPageSize);
    if (!r || !(r->flags[page - r->address / kPageSize] & right)) return false;
  }
  return true;
}

void Memory::copyOut(uint64_t address, uint8_t* to, uint64_t size) {
  while (size) {
    Region* r = find(address);
    const uint64_t here = std::min(size, r->size - (address - r->address));
    memcpy(to, r->host + (address - r->address), here);
    address += here;
    to += here;
    size -= here;
  }
}

void Memory::copyIn(uint64_t address, const uint8_t* from, uint64_t size, CodeListener* listener) {
  while (size) {
    Region* r = find(address);
    const uint64_t at = address - r->address;
    const uint64_t here = std::min(size, kPageSize - (at & kPageMask));
    const PageRef page{r, at / kPageSize};
    if (!(page.flags() & kPageCode)) {
      touch(page);
      memcpy(r->host + at, from, here);
    } else if (memcmp(r->host + at, from, here) != 0) {
      touch(page);
      memcpy(r->host + at, from, here);
      listener->codeChanges(address, here);
    }
    address += here;
    from += here;
    size -= here;
  }
}

}  // namespace jitproof
