// A run: from the register file to the next stop, through as many starts of Unicorn as it takes.
#include <cinttypes>
#include <cstring>

#include "engine.h"
#include "inside.h"
#include "text.h"

namespace jitproof {
namespace {

constexpr uint64_t kSingleStep = 1;  // #DB
constexpr size_t kMostEnds = 8;       // threads of execution that take turns

double loadIcount(const uint64_t* block) {
  double icount;
  memcpy(&icount, block + kBlockIcount, sizeof icount);
  return icount;
}

void storeIcount(uint64_t* block, double icount) { memcpy(block + kBlockIcount, &icount, sizeof icount); }

// Stores of this thread are reported to the core while this lives.
struct Running {
  Core* const outer = runningCore;
  explicit Running(Core* core) {
    if (core->inside) runningCore = core;
  }
  ~Running() { runningCore = outer; }
};

}  // namespace

bool Engine::run(uint64_t until, uint64_t budget, bool traced, Host* host, std::string* error) {
  if (memory.find(until)) {
    *error = text("run: until, 0x%" PRIx64 ", must not be mapped", until);
    return false;
  }
  Cpu* cpu = this->cpu(traced, error);
  if (!cpu) return false;
  const RegisterFile start = *registers();
  Core* core = &cpu->core;
  cpu->reset();
  writeRegisters(cpu->uc(), core->gpr, start);

  icountBase_ = static_cast<uint64_t>(loadIcount(block_));
  const uint64_t rip = start.word[kRip], rsp = start.word[kRsp];
  const RunEnd before = endAt(rip, rsp, icountBase_);
  core->next = before.next;
  core->pc = before.pc;
  core->marks = before.marks;
  core->credit = 0;
  core->held = core->granted = budget;
  core->flags = Core::kFirst;
  if (traced) core->flags |= Core::kTraced;
  core->leaveBlock = false;
  core->stop = {};
  core->undos = 0;
  core->storeSize = 0;
  core->loadParts = 0;
  for (size_t i = 0; i < resumes_.size(); i++) {
    if (resumes_[i].rip != rip || resumes_[i].rsp != rsp || resumes_[i].icount > icountBase_) continue;
    core->flags |= Core::kSkipWatch;
    resumes_.erase(resumes_.begin() + i);
    break;
  }
  stacks.settle(rsp);
  host_ = host;
  core_ = core;

  bool ok;
  {
    Running running(core);
    ok = loop(core, until, error);
  }
  storeIcount(block_, static_cast<double>(icount(*core)));
  memcpy(block_ + kBlockStop, &core->stop, sizeof core->stop);
  noteEnd(core);
  handOver(core, Callback::kSteps, &steps);
  handOver(core, Callback::kAccesses, &accesses);
  handOver(core, Callback::kEvents, &events);
  core_ = nullptr;
  host_ = nullptr;
  return ok && !(core->flags & Core::kThrown);
}

// What the next run has to know when it goes on from here.
void Engine::noteEnd(const Core* core) {
  const RegisterFile& file = *registers();
  const bool completed = core->stop.kind != StopKind::kFault && core->stop.kind != StopKind::kException;
  if (completed) {
    const RunEnd end = {file.word[kRip], file.word[kRsp], icount(*core), core->pc, core->next, core->marks};
    std::erase_if(ends_, [&](const RunEnd& other) { return other.sameAs(end.rip, end.rsp, end.icount); });
    ends_.insert(ends_.begin(), end);
    if (ends_.size() > kMostEnds) ends_.pop_back();
  } else if (core->marks & kWatchMask) {
    remember({core->pc, file.word[kRsp], icount(*core)});
  }
}

// How an earlier run ended that this one goes on with; else nothing is known of what came before.
RunEnd Engine::endAt(uint64_t rip, uint64_t rsp, uint64_t icount) const {
  for (const RunEnd& end : ends_)
    if (end.sameAs(rip, rsp, icount)) return end;
  return {};
}

// What is left in the records when a run ends.
void Engine::handOver(Core* core, Callback what, Records* records) {
  const uint32_t count = records->count;
  records->count = 0;
  if (count && !(core->flags & Core::kThrown)) dispatch(core, what, count);
}

// Calls TypeScript with icount in step.
Answer Engine::dispatch(Core* core, Callback what, uint32_t argument) {
  storeIcount(block_, static_cast<double>(icount(*core)));
  Core* const inner = runningCore;
  runningCore = nullptr;
  const Answer answer = host_->call(what, argument);
  runningCore = inner;
  icountBase_ = static_cast<uint64_t>(loadIcount(block_)) - (core->granted - core->left());
  if (answer == Answer::kThrew) {
    core->flags |= Core::kThrown;
    core->attend();
    uc_emu_stop(core->uc);
  }
  return answer;
}

// Starts Unicorn until there is a reason to stop; leaves it in core->stop and the registers in the block.
bool Engine::loop(Core* core, uint64_t until, std::string* error) {
  RegisterFile* file = registers();
  uint64_t rip = file->word[kRip];
  uint64_t end = until;
  while (rip != until) {
    core->flags &= ~Core::kFaulted;
    const uc_err err = uc_emu_start(core->uc, rip, end, 0, 0);
    readRegisters(core->uc, core->gpr, file);
    rip = file->word[kRip];
    if (bare()) core->pc = rip;
    if (core->flags & Core::kThrown) return true;

    const bool fetch = (core->flags & Core::kFaulted) && core->fault.access == kFetch;
    if (fetch && rip != core->fault.address && narrow(rip, core->fault.address, until, &end)) continue;
    if (core->stop.kind == StopKind::kNone && (core->flags & Core::kStackStop) && (fetch || err == UC_ERR_OK)) {
      core->stop = core->stack;
      return true;
    }
    if (core->flags & Core::kFaulted) {
      if (fetch && rip == until) break;
      settleFault(core, until);
      return true;
    }
    if (core->stop.kind == StopKind::kException) {
      core->stop.pc = core->pc;
      if (core->stop.a == kSingleStep) core->stop.pc = rip;  // a trap: the instruction has executed
      else core->held++;
      file->word[kRip] = core->stop.pc;
      return true;
    }
    if (core->stop.kind != StopKind::kNone) {
      if (core->stop.kind != StopKind::kStack) file->word[kRip] = core->stop.pc;
      return true;
    }
    if (err == UC_ERR_OK && rip == end) {
      end = until;
      continue;
    }
    const uint8_t* byte = memory.host(core->pc, 1);
    if (err == UC_ERR_OK && byte && *byte == 0xf4) {  // hlt: nothing would ever wake this CPU
      core->stop = {StopKind::kException, core->pc, 13};
      core->held++;
      file->word[kRip] = core->pc;
      return true;
    }
    *error = text("unicorn ended at 0x%" PRIx64 ": %s", rip, uc_strerror(err));
    return false;
  }
  core->stop = {StopKind::kUntil, until};
  return true;
}

// Unicorn translates whole blocks: one that runs on into memory that cannot be fetched faults before its first
// instruction. Finds an earlier end for it, the latest that has not been tried; false when the first instruction itself
// reaches into that memory.
bool Engine::narrow(uint64_t from, uint64_t fault, uint64_t until, uint64_t* end) const {
  if (fault - from > kPageSize) return false;
  if (*end == until || *end - from > fault - from) {
    *end = fault;
    return true;
  }
  for (uint64_t at = *end - 1; at != from; at--) {
    if (!(marks.at(at) & kInsn)) continue;
    *end = at;
    return true;
  }
  return false;
}

// The registers as before the instruction, what it stored taken back, and the fault as the stop.
void Engine::settleFault(Core* core, uint64_t until) {
  Fault& fault = core->fault;
  RegisterFile* file = registers();
  const uint64_t faulting = fault.address;
  if (fault.access == kFetch) {
    const uint64_t from = core->flags & Core::kFirst ? 0 : core->pc;
    core->stop = {StopKind::kFault, file->word[kRip], kFetch, faulting, from, fault.mapped};
    if ((core->flags & Core::kAgain) && file->word[kRip] == core->pc) core->held++;  // counted, and now out of reach
    return;
  }
  *file = fault.registers;
  if (!bare()) {
    file->word[kRip] = core->pc;
    core->undoStores();
    if (fault.access == kRead && !(faulting & kPageMask)) findLoad(core, until);
    core->held++;  // it has not been executed
  }
  core->stop = {StopKind::kFault, file->word[kRip], fault.access, fault.address, fault.size, fault.mapped};
}

// A load across two pages is refused at its second half. Where it began, the hook on loads says: of a traced run, or of
// the instruction executed once more where there is one.
void Engine::findLoad(Core* core, uint64_t until) {
  Fault& fault = core->fault;
  Core* probe = core;
  if (!(core->flags & Core::kTraced)) {
    std::string error;
    Cpu* cpu = this->cpu(true, &error);
    if (!cpu) return;
    probe = &cpu->core;
    cpu->reset();
    writeRegisters(probe->uc, probe->gpr, *registers());
    probe->flags = Core::kProbing;
    probe->credit = 0;
    probe->probed = 0;
    probe->loadSize = 0;
    probe->loadParts = 0;
    probe->stop = {};
    Running running(probe);
    uc_emu_start(probe->uc, core->pc, until, 0, 0);
  }
  if (fault.address - probe->loadAt >= probe->loadSize) return;
  fault.address = probe->loadAt;
  fault.size = probe->loadSize;
}

}  // namespace jitproof
