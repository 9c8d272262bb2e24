// Guest stores: which pages they change, and whether they break a guarded stack.
#include <cstring>

#include "engine.h"

namespace jitproof {

bool Core::slowStore(PageRef page, uint64_t offset, uint64_t size) {
  const uint8_t pageFlags = page.flags();
  const uint64_t address = page.address() + offset;
  engine->memory.touch(page);
  if (offset + kReach > kPageSize || (flags & kFaulted)) keep(address, page.host() + offset, size);
  if ((pageFlags & kPageGuard) && !(flags & kProbing)) checkStack(address, size);
  if (!(pageFlags & kPageCode)) return true;
  engine->rewrittenBy(this, page.address());
  if (!(flags & (kFaulted | kProbing))) {
    flags |= kAgain;  // when it drops translations, Unicorn begins the storing instruction anew
    attend();
  }
  return false;
}

// For Unicorn's own hook, which gives the address and hears of each store once.
void Core::storeAtAddress(uint64_t address, uint64_t size) {
  while (size) {
    const uint64_t offset = address & kPageMask;
    const uint64_t here = size < kPageSize - offset ? size : kPageSize - offset;
    Region* region = engine->memory.find(address);
    if (!region) return;  // about to fault
    const PageRef page{region, (address - region->address) / kPageSize};
    if (!(page.flags() & kPageWrite)) return;
    slowStore(page, offset, here);
    address += here;
    size -= here;
  }
}

void Core::checkStack(uint64_t address, uint64_t size) {
  if (!size) return;  // Unicorn only asks whether it could store
  const bool goesOn = storePc == pc && storeLeft == left() && address == storeAt + storeSize && storeSize + size <= 16;
  if (!goesOn) {
    storePc = pc;
    storeLeft = left();
    storeAt = address;
    storeSize = 0;
  }
  storeSize += size;
  if (flags & kStackStop) {
    if (goesOn && stack.a == storeAt) stack.b = storeSize;
    return;
  }
  Stack* on = engine->stacks.find(address);
  if (!on) return;
  const StackFault fault = Stacks::store(*on, address, size, reg(kRsp), marks);
  if (fault == StackFault::kNone) return;
  stack = {StopKind::kStack, pc, storeAt, storeSize, static_cast<uint64_t>(fault)};
  flags |= kStackStop;
  attend();
}

// What a store overwrites, for undoStores().
void Core::keep(uint64_t address, const uint8_t* host, uint64_t size) {
  if (undoPc != pc || undoLeft != left()) {
    undoPc = pc;
    undoLeft = left();
    undos = 0;
  }
  if (undos == kMostUndos || size > sizeof undo[0].bytes) return;
  Undo& entry = undo[undos++];
  entry = {address, const_cast<uint8_t*>(host), static_cast<uint8_t>(size), {}};
  memcpy(entry.bytes, host, size);
}

// Takes back what the instruction at pc stored before it faulted, and makes the fault begin where its store began.
void Core::undoStores() {
  if (undoPc != pc || undoLeft != left()) return;
  while (undos) {
    const Undo& entry = undo[--undos];
    memcpy(entry.host, entry.bytes, entry.size);
    if (fault.access == kWrite && entry.address + entry.size == fault.address) {
      fault.address = entry.address;
      fault.size += entry.size;
    }
  }
}

void onStore(uc_engine*, uc_mem_type, uint64_t address, int size, int64_t value, void* data) {
  Core* core = static_cast<Core*>(data);
  if (core->flags & Core::kTraced) core->recordStore(address, size, value);
  if (!core->inside) core->storeAtAddress(address, size);
}

}  // namespace jitproof
