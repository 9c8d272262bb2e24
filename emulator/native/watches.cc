// Watched instructions: count, event, call, stop, in this order, before the instruction executes.
#include <cstring>

#include "engine.h"

namespace jitproof {

// `arrival` is the MARK_BY_ bit of the transfer that led here, 0 if none did. False: the instruction shall not execute
// now, as the run ends or goes on elsewhere.
bool Core::watch(uint32_t id, uint64_t at, uint32_t arrival) {
  if (id >= engine->watches().size()) return true;
  WatchEntry& entry = engine->watches()[id];
  uint32_t what = entry.flags;  // a callback may redefine the watch
  if ((what & WatchEntry::kTransfersOnly) && !arrival) what &= WatchEntry::kEvent;
  if (what & WatchEntry::kCount) {
    if ((what & WatchEntry::kLimit) && entry.hits >= entry.limit) {
      finish({StopKind::kLimit, at, id});
      return false;
    }
    entry.hits++;
  }
  if (what & WatchEntry::kEvent) {
    record(id, at, arrival);
    if (flags & kThrown) return false;
  }
  uint64_t to = at;
  bool stops = what & WatchEntry::kStop;
  if ((what & WatchEntry::kCall) && !call(id, &to, &stops)) return false;
  if (stops) {
    if (to == at) engine->remember({at, reg(kRsp), engine->icount(*this)});
    finish({StopKind::kWatch, to, id});
    return false;
  }
  if (to == at) return true;
  flags |= kFirst;
  leaveBlock = false;
  attend();
  writeRip(uc, to);
  return false;
}

void Core::record(uint32_t id, uint64_t at, uint32_t arrival) {
  Records& events = engine->events;
  if (!events.words) return;
  uint64_t* event = events.words + uint64_t{events.count} * kEventWords;
  RegisterFile file;
  const uint64_t* general = gpr;
  if (!general) {
    readRegisters(uc, nullptr, &file);
    general = file.word;
  }
  event[0] = id | uint64_t{arrival} << 32;
  event[1] = at;
  event[2] = pc;
  event[3] = engine->icount(*this);
  memcpy(event + 4, general, kGprs * sizeof *general);
  event[20] = readRegister(uc, kRflags);
  const uint8_t* top = engine->memory.host(general[kRsp], 8);
  event[21] = 0;
  if (top) memcpy(event + 21, top, 8);
  event[22] = engine->tag();
  event[23] = 0;
  if (++events.count == events.capacity) {
    const uint32_t count = events.count;
    events.count = 0;
    engine->dispatch(this, Callback::kEvents, count);
  }
}

// Calls back with the registers loaded; *rip is what it leaves in rip, *stops whether it asks for a stop. False: it threw.
bool Core::call(uint32_t id, uint64_t* rip, bool* stops) {
  RegisterFile before;
  RegisterFile* file = reinterpret_cast<RegisterFile*>(engine->block());
  readRegisters(uc, gpr, &before);
  before.word[kRip] = *rip;
  *file = before;
  const Answer answer = engine->dispatch(this, Callback::kWatch, id);
  if (answer == Answer::kThrew) return false;
  if (answer == Answer::kStop) *stops = true;
  if (memcmp(&before, file, sizeof before) == 0) return true;
  writeRegisters(uc, gpr, *file);
  if (file->word[kRsp] != before.word[kRsp]) engine->stacks.settle(file->word[kRsp]);
  *rip = file->word[kRip];
  return true;
}

}  // namespace jitproof
