// Why a run ends, in the terms of engine.ts, and what has to be known of an instruction that did not complete.
#pragma once
#include <cstdint>

#include "registers.h"

namespace jitproof {

enum class StopKind : uint64_t {
  kNone,
  kUntil,
  kBudget,
  kStopped,
  kWatch,      // a: id
  kLimit,      // a: id
  kFault,      // a: Access, b: address, c: size, or where a fetch came from, d: mapped
  kException,  // a: vector
  kLanding,    // a: from
  kStack,      // a: address, b: size, c: 1 below-rsp, 2 control-slot
};

struct Stop {
  StopKind kind = StopKind::kNone;
  uint64_t pc = 0, a = 0, b = 0, c = 0, d = 0;
};

enum Access : uint64_t { kRead, kWrite, kFetch };

// An access that Unicorn refused, and the registers at that moment: what the instruction does to them later is undone.
struct Fault {
  Access access;
  uint64_t address, size;
  bool mapped;
  RegisterFile registers;
};

// Bytes that a store overwrote and that go back if the same instruction faults after all.
struct Undo {
  uint64_t address;
  uint8_t* host;
  uint8_t size;
  uint8_t bytes[8];
};

}  // namespace jitproof
