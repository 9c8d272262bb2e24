// What is at hand while instructions execute: one Core for each Unicorn instance, filled by the engine that uses it.
#pragma once
#include <unicorn/unicorn.h>

#include <cstdint>
#include <vector>

#include "marks.h"
#include "registers.h"
#include "stacks.h"
#include "stop.h"

namespace jitproof {

class Engine;

// A store that begins in these last bytes of a page may reach into the next one. Unicorn then stores byte by byte, and
// the first bytes stay when a later one faults.
constexpr uint64_t kReach = 16;

struct Core {
  // Touched by every instruction.
  uint64_t next = 0;   // where a sequential step leads
  uint64_t pc = 0;     // the instruction that executed last, or is executing
  int64_t credit = 0;  // instructions that may execute before step() has a look around
  uint32_t marks = 0;  // of the instruction at pc
  uint32_t flags = 0;
  struct MarkSlot {
    uint64_t page;
    const uint32_t* marks;
  };
  static constexpr int kSlots = 64;
  MarkSlot markSlots[kSlots];
  struct StoreSlot {
    uint64_t ramPage;
    PageRef page;
  };
  StoreSlot storeSlots[kSlots];
  struct RamRange {
    uint64_t ramPage, pages;
    PageRef first;
  };
  std::vector<RamRange> ramRanges;  // empty: to be asked for again

  enum Flag : uint32_t {
    kFirst = 1,      // the next instruction may be anywhere: start of a run, or where a callback sent it
    kSkipWatch = 2,  // its watch has been served before the last stop
    kAgain = 4,      // the hook may fire a second time for pc, which has been seen to already
    kStackStop = 8,  // the instruction at pc broke a stack; the run ends before the next one
    kFaulted = 16,
    kTraced = 32,
    kProbing = 64,  // one instruction is executed again to see which access it makes
    kThrown = 128,  // a callback has thrown
  };

  Engine* engine = nullptr;
  uc_engine* uc = nullptr;
  uint64_t* gpr = nullptr;  // rax..r15 within Unicorn, if known
  uint64_t held = 0;        // instructions of the budget beyond credit
  uint64_t granted = 0;     // budget of this run
  bool inside = false;      // stores come from the inside, inside.h
  bool leaveBlock = false;  // code or mappings changed under the block that is executing
  Stop stop{};
  Stop stack{};
  Fault fault{};

  // What the instruction at undoPc has stored, as far as it may have to be taken back.
  static constexpr int kMostUndos = 16;
  Undo undo[kMostUndos];
  int undos = 0;
  uint64_t undoPc = 0, undoLeft = 0;
  // The store of the instruction at storePc, as far as its pieces have come in.
  uint64_t storePc = 0, storeLeft = 0;
  uint64_t storeAt = 0, storeSize = 0;
  uint32_t rounds = 0;  // of rep string instructions

  // Where loads are hooked: the last one, and the halves still to come when it goes across two pages.
  uint64_t loadAt = 0, loadSize = 0;
  int loadParts = 0;
  uint32_t accessesBefore = 0;  // records there were before the instruction at pc
  uint64_t probed = 0;          // instructions seen while probing; stores in the self-test
  uint64_t probedRam = 0;       // the last of those stores

  uint64_t reg(Register which) const { return gpr && which < kGprs ? gpr[which] : readRegister(uc, which); }
  uint64_t left() const { return credit + held; }
  // Makes the next instruction go through step().
  void attend() {
    held += credit;
    credit = 0;
  }
  void finish(const Stop& with) {
    stop = with;
    uc_emu_stop(uc);
  }
  void forgetPages();

  // code.cc
  void step(uint64_t at, uint32_t size);
  // watches.cc
  bool watch(uint32_t id, uint64_t at, uint32_t arrival);
  void record(uint32_t id, uint64_t at, uint32_t arrival);
  bool call(uint32_t id, uint64_t* rip, bool* stops);
  // inside.cc: a store of `size` bytes at Unicorn's ram address; true: there is no code, never was
  bool store(uint64_t ram, uint64_t size);
  // stores.cc
  void storeAtAddress(uint64_t address, uint64_t size);
  void undoStores();
  // trace.cc
  void recordStep(uint64_t at);
  void handOverAccesses();
  void recordStore(uint64_t address, uint64_t size, uint64_t value);
  void recordLoad(uint64_t address, uint64_t size);

 private:
  uint32_t marksAt(uint64_t at);
  bool repeats(uint64_t at);
  bool slowStore(PageRef page, uint64_t offset, uint64_t size);
  void checkStack(uint64_t address, uint64_t size);
  void keep(uint64_t address, const uint8_t* host, uint64_t size);
  bool findRamPage(uint64_t ramPage, StoreSlot* slot);
  void recordAccess(uint64_t address, uint64_t size, bool write, uint64_t before, uint64_t after);
  void take();
};

// Unicorn's callbacks; the last argument is the Core.
void onCode(uc_engine*, uint64_t at, uint32_t size, void* core);
bool onRefused(uc_engine*, uc_mem_type type, uint64_t address, int size, int64_t value, void* core);
void onInterrupt(uc_engine*, uint32_t vector, void* core);
bool onInvalid(uc_engine*, void* core);
void onLoad(uc_engine*, uc_mem_type type, uint64_t address, int size, int64_t value, void* core);
void onStore(uc_engine*, uc_mem_type type, uint64_t address, int size, int64_t value, void* core);

}  // namespace jitproof
