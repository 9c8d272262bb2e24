// What ends an instruction before its end: accesses that are refused, exceptions, bytes that are no instruction.
#include "engine.h"

namespace jitproof {

// Called for each part of a refused access, and, where the access is a helper's, before the helper goes on regardless.
bool onRefused(uc_engine* uc, uc_mem_type type, uint64_t address, int size, int64_t, void* data) {
  Core* core = static_cast<Core*>(data);
  if (!core->engine) return false;
  const bool read = type == UC_MEM_READ_UNMAPPED || type == UC_MEM_READ_PROT;
  const bool write = type == UC_MEM_WRITE_UNMAPPED || type == UC_MEM_WRITE_PROT;
  const Access access = read ? kRead : write ? kWrite : kFetch;
  Fault& fault = core->fault;
  if (core->flags & Core::kFaulted) {
    const bool more = access == kWrite && fault.access == kWrite && address == fault.address + fault.size;
    if (more) fault.size += size;
    return false;
  }
  fault.access = access;
  fault.address = address;
  fault.size = access == kFetch ? 0 : size;
  fault.mapped = core->engine->memory.find(address) != nullptr;
  readRegisters(uc, core->gpr, &fault.registers);
  core->flags |= Core::kFaulted;
  core->attend();
  return false;
}

void onInterrupt(uc_engine*, uint32_t vector, void* data) {
  Core* core = static_cast<Core*>(data);
  core->finish({StopKind::kException, core->pc, vector});
}

bool onInvalid(uc_engine*, void* data) {
  Core* core = static_cast<Core*>(data);
  core->stop = {StopKind::kException, core->pc, 6};
  return false;
}

}  // namespace jitproof
