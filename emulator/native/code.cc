// The code hook: Unicorn calls onCode() before each instruction. Nearly all take its first six lines.
#include "engine.h"

namespace jitproof {
namespace {

constexpr int64_t kSlice = 4096;  // instructions between two looks at the stop flag

}  // namespace

void onCode(uc_engine*, uint64_t at, uint32_t size, void* data) {
  Core* core = static_cast<Core*>(data);
  const Core::MarkSlot& slot = core->markSlots[at / kPageSize % Core::kSlots];
  if (at == core->next && slot.page == at / kPageSize && core->credit > 0) [[likely]] {
    const uint32_t marks = slot.marks[at & kPageMask];
    const uint32_t odd = (marks & kWatchMask) | (core->marks & (kSpUp | kIndirect | kRet));
    if (((marks & kInsn) | odd) == kInsn) [[likely]] {
      core->credit--;
      core->pc = at;
      core->marks = marks;
      core->next = at + size;
      return;
    }
  }
  core->step(at, size);
}

void Core::forgetPages() {
  for (MarkSlot& slot : markSlots) slot = {~uint64_t{0}, nullptr};
  for (StoreSlot& slot : storeSlots) slot = {~uint64_t{0}, {}};
  ramRanges.clear();
}

uint32_t Core::marksAt(uint64_t at) {
  MarkSlot& slot = markSlots[at / kPageSize % kSlots];
  if (slot.page != at / kPageSize) {
    const uint32_t* marks = engine->marks.page(at / kPageSize);
    if (!marks) return 0;
    slot = {at / kPageSize, marks};
  }
  return slot.marks[at & kPageMask];
}

// A `rep` string instruction comes back to itself for each round. It counts as one instruction.
bool Core::repeats(uint64_t at) {
  if (at != pc || (marks & kTransfer)) return false;
  for (uint64_t i = at; i < at + 4; i++) {
    const uint8_t* byte = engine->memory.host(i, 1);
    if (!byte) return false;
    if (*byte == 0xf2 || *byte == 0xf3) return true;
    if (*byte != 0x66 && *byte != 0x67) return false;
  }
  return false;
}

void Core::take() {
  if (credit == 0) {
    credit = held < uint64_t{kSlice} ? held : kSlice;
    held -= credit;
  }
  credit--;
  if (flags & kTraced) attend();
}

void Core::step(uint64_t at, uint32_t size) {
  if (flags & (kFaulted | kThrown)) return finish(stop);
  if (flags & kProbing) {
    if (probed++) finish(stop);
    return;
  }
  if (flags & kAgain) {
    flags &= ~kAgain;
    if (at == pc) {
      next = at + size;
      engine->accesses.count = accessesBefore;
      return;
    }
  }
  if (flags & kStackStop) return finish(stack);
  if (flags & kTraced) {
    handOverAccesses();
    if (flags & kThrown) return;
  }

  const uint32_t here = marksAt(at);
  const bool arrived = at != next || (marks & (kIndirect | kRet));
  if (!(flags & kFirst)) {
    if (!(here & kInsn) || (arrived && !(here & wantedAtTarget(marks)))) {
      if (!repeats(at)) return finish({StopKind::kLanding, at, pc});
      storeSize = 0;
      undos = 0;
      if (++rounds % kSlice == 0 && engine->stopRequested()) finish({StopKind::kStopped, at});
      return;
    }
  }
  if (marks & (kSpUp | kRet)) engine->stacks.settle(reg(kRsp));
  if (credit == 0) {
    if (held == 0) return finish({StopKind::kBudget, at});
    if (engine->stopRequested()) return finish({StopKind::kStopped, at});
  }
  if ((here & kWatchMask) && !(flags & kSkipWatch)) {
    if (!watch(here >> kWatchShift, at, arrived ? wantedAtTarget(marks) : 0)) return;
  }
  flags &= ~(kFirst | kSkipWatch);
  if (flags & kTraced) {
    recordStep(at);
    if (flags & kThrown) return;
  }
  accessesBefore = engine->accesses.count;
  take();
  pc = at;
  marks = here;
  next = at + size;
  if (leaveBlock) {
    leaveBlock = false;
    flags |= kAgain;
    attend();
    writeRip(uc, at);
  }
}

}  // namespace jitproof
