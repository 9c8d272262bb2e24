// A Unicorn instance with our hooks in it. Opening one takes half a millisecond, so they are kept for the next engine.
#pragma once
#include <unicorn/unicorn.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core.h"
#include "memory.h"

namespace jitproof {

class Cpu {
 public:
  enum Hooks : uint32_t { kNone = 0, kCode = 1, kStores = 2, kLoads = 4 };

  // From the pool, or opened. Null with the reason in `error`.
  static Cpu* acquire(uint32_t hooks, Engine* engine, std::string* error);
  // Back to the pool, or closed when it has translated so much that its buffer might run full (unicorn's flush then
  // takes 100 ms and a gigabyte).
  static void release(Cpu* cpu);

  std::string map(const Region& region);  // with the protection that each page has
  std::string protect(uint64_t address, uint64_t size, uint8_t prot);
  // Drops translations of [address, address + size), of which all must be executable now.
  void invalidate(uint64_t address, uint64_t size);
  // All hidden state (segments, SSE, lazy flags) as after a reset.
  void reset() { uc_context_restore(uc_, fresh_); }
  bool worn() const { return translated_ > kMostTranslated; }
  uc_engine* uc() { return uc_; }

  Core core;

 private:
  struct Piece {
    uint64_t address, size;
    uint32_t prot;
  };
  static constexpr uint64_t kMostTranslated = 200'000;  // instructions; about 300 bytes each

  bool open(uint32_t hooks, std::string* error);
  void close();
  void unmapAll();
  std::vector<Piece> pieces() const;
  static void onTranslation(uc_engine*, uc_tb* block, uc_tb* previous, void* cpu);

  uc_engine* uc_ = nullptr;
  uc_context* fresh_ = nullptr;
  uint32_t hooks_ = 0;
  uint64_t translated_ = 0;
};

}  // namespace jitproof
