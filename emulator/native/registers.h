// The register file of engine.ts: rax..r15 in hardware order, rip, rflags, gs base.
#pragma once
#include <unicorn/unicorn.h>

#include <cstdint>

namespace jitproof {

enum Register { kRsp = 4, kRip = 16, kRflags = 17, kGsBase = 18, kRegisters = 19, kGprs = 16 };

struct RegisterFile {
  uint64_t word[kRegisters];
};

// Reads all of it. `gpr`, where known, is where Unicorn keeps rax..r15.
void readRegisters(uc_engine* uc, const uint64_t* gpr, RegisterFile* file);
// Writes all but rip.
void writeRegisters(uc_engine* uc, uint64_t* gpr, const RegisterFile& file);
uint64_t readRegister(uc_engine* uc, Register which);
// Writing rip makes a running Unicorn leave its translation block and go on there.
void writeRip(uc_engine* uc, uint64_t rip);

}  // namespace jitproof
