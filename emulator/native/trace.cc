// The full record of a traced run. It runs in a Unicorn instance of its own, over the same memory: hooks on loads make
// every access three times as slow, translations made without them never call them, and dropping all translations
// around each traced run costs more than the 2.6 MB of a second instance.
#include <cstring>

#include "engine.h"

namespace jitproof {
namespace {

constexpr uint32_t kMostAccesses = 256;  // of one instruction: fxsave64 makes 64

}  // namespace

void Core::recordStep(uint64_t at) {
  Records& steps = engine->steps;
  if (!steps.words) return;
  uint64_t* step = steps.words + uint64_t{steps.count} * kStepWords;
  RegisterFile file;
  readRegisters(uc, gpr, &file);
  step[0] = at;
  step[1] = engine->icount(*this);
  step[2] = file.word[kRflags];
  step[3] = engine->tag();
  memcpy(step + 4, file.word, kGprs * sizeof(uint64_t));
  if (++steps.count == steps.capacity) {
    const uint32_t count = steps.count;
    steps.count = 0;
    engine->dispatch(this, Callback::kSteps, count);
  }
}

void Core::recordAccess(uint64_t address, uint64_t size, bool write, uint64_t before, uint64_t after) {
  Records& accesses = engine->accesses;
  if (!(flags & kTraced) || !accesses.words || accesses.count == accesses.capacity) return;
  uint64_t* access = accesses.words + uint64_t{accesses.count} * kAccessWords;
  access[0] = engine->icount(*this) - 1;  // the instruction at pc has been counted
  access[1] = pc;
  access[2] = address;
  access[3] = size | uint64_t{write} << 32;
  access[4] = before;
  access[5] = after;
  accesses.count++;
}

// Between two instructions: within one, Unicorn could not stop where the callback finds it.
void Core::handOverAccesses() {
  Records& accesses = engine->accesses;
  if (!accesses.words || accesses.count + kMostAccesses <= accesses.capacity) return;
  const uint32_t count = accesses.count;
  accesses.count = 0;
  engine->dispatch(this, Callback::kAccesses, count);
}

void Core::recordLoad(uint64_t address, uint64_t size) {
  if (loadParts) {
    loadParts--;
    return;
  }
  loadAt = address;
  loadSize = size;
  if ((address & kPageMask) + size > kPageSize) loadParts = 2;  // Unicorn now loads the two words that it lies in
  uint8_t bytes[8] = {};
  if (size > sizeof bytes || !engine->memory.allows(address, size, kPageRead)) return;
  engine->memory.copyOut(address, bytes, size);
  uint64_t value;
  memcpy(&value, bytes, sizeof value);
  recordAccess(address, size, false, value, value);
}

void Core::recordStore(uint64_t address, uint64_t size, uint64_t value) {
  uint8_t bytes[8] = {};
  if (size > sizeof bytes || !engine->memory.allows(address, size, kPageWrite)) return;
  engine->memory.copyOut(address, bytes, size);
  uint64_t before;
  memcpy(&before, bytes, sizeof before);
  if (size < 8) value &= (uint64_t{1} << 8 * size) - 1;
  recordAccess(address, size, true, before, value);
}

void onLoad(uc_engine*, uc_mem_type, uint64_t address, int size, int64_t, void* data) {
  Core* core = static_cast<Core*>(data);
  core->recordLoad(address, size);
}

}  // namespace jitproof
