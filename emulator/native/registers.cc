#include "registers.h"

#include <cstring>

namespace jitproof {
namespace {

int kIds[kRegisters] = {UC_X86_REG_RAX, UC_X86_REG_RCX, UC_X86_REG_RDX,    UC_X86_REG_RBX,    UC_X86_REG_RSP,
                        UC_X86_REG_RBP, UC_X86_REG_RSI, UC_X86_REG_RDI,    UC_X86_REG_R8,     UC_X86_REG_R9,
                        UC_X86_REG_R10, UC_X86_REG_R11, UC_X86_REG_R12,    UC_X86_REG_R13,    UC_X86_REG_R14,
                        UC_X86_REG_R15, UC_X86_REG_RIP, UC_X86_REG_EFLAGS, UC_X86_REG_GS_BASE};

}  // namespace

void readRegisters(uc_engine* uc, const uint64_t* gpr, RegisterFile* file) {
  const int from = gpr ? kGprs : 0;
  if (gpr) memcpy(file->word, gpr, kGprs * sizeof *gpr);
  void* places[kRegisters];
  for (int i = from; i < kRegisters; i++) places[i] = &file->word[i];
  file->word[kRflags] = 0;  // Unicorn stores 32 bits
  uc_reg_read_batch(uc, kIds + from, places + from, kRegisters - from);
}

void writeRegisters(uc_engine* uc, uint64_t* gpr, const RegisterFile& file) {
  if (gpr) {
    memcpy(gpr, file.word, kGprs * sizeof *gpr);
  } else {
    void* places[kGprs];
    for (int i = 0; i < kGprs; i++) places[i] = const_cast<uint64_t*>(&file.word[i]);
    uc_reg_write_batch(uc, kIds, places, kGprs);
  }
  void* rest[] = {const_cast<uint64_t*>(&file.word[kRflags]), const_cast<uint64_t*>(&file.word[kGsBase])};
  uc_reg_write_batch(uc, kIds + kRflags, rest, 2);
}

uint64_t readRegister(uc_engine* uc, Register which) {
  uint64_t value = 0;
  uc_reg_read(uc, kIds[which], &value);
  return value;
}

void writeRip(uc_engine* uc, uint64_t rip) { uc_reg_write(uc, UC_X86_REG_RIP, &rip); }

}  // namespace jitproof
