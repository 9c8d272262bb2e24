// Code marks: what each byte of code is, one u32 a byte, looked up for every instruction that executes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "memory.h"

namespace jitproof {

// The bits of engine.ts.
enum Mark : uint32_t {
  kInsn = 1u << 0,
  kByDirect = 1u << 1,
  kByIndirect = 1u << 2,
  kByRet = 1u << 3,
  kDirect = 1u << 4,
  kIndirect = 1u << 5,
  kRet = 1u << 6,
  kPush = 1u << 7,
  kSpUp = 1u << 8,
  kOwnStore = 1u << 9,
  kTransfer = kDirect | kIndirect | kRet,
};
constexpr int kWatchShift = 16;
constexpr uint32_t kWatchMask = 0xffffu << kWatchShift;

// The BY_ bits that a transfer of these marks asks of its target: DIRECT, INDIRECT, RET lie three bits above them.
constexpr uint32_t wantedAtTarget(uint32_t marks) { return (marks & kTransfer) >> 3; }

class Marks {
 public:
  // The marks of one page, or null when nothing in it is marked. The array stays where it is.
  const uint32_t* page(uint64_t number) const {
    auto found = pages_.find(number);
    return found == pages_.end() ? nullptr : found->second.get();
  }
  uint32_t at(uint64_t address) const {
    const uint32_t* marks = page(address / kPageSize);
    return marks ? marks[address & kPageMask] : 0;
  }
  void set(uint64_t address, const uint32_t* marks, size_t count);

 private:
  std::unordered_map<uint64_t, std::unique_ptr<uint32_t[]>> pages_;
};

}  // namespace jitproof
