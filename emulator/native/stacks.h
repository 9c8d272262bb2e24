// Guarded stacks: where the live control slots (return addresses, saved registers) lie, and which stores break them.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace jitproof {

struct Stack {
  uint64_t low;                 // first byte
  uint64_t high;                // first byte above
  std::vector<uint64_t> slots;  // addresses of live 8-byte control slots, highest first

  bool holds(uint64_t at) const { return at - low < high - low; }
};

enum class StackFault { kNone, kBelowRsp, kControlSlot };

class Stacks {
 public:
  // Guards [low, high) with no control slots; an older stack that overlaps it is forgotten.
  void guard(uint64_t low, uint64_t high);
  Stack* find(uint64_t address) {
    if (last_ < stacks_.size() && stacks_[last_].holds(address)) return &stacks_[last_];
    return search(address);
  }
  // rsp has been set: slots below it are gone.
  void settle(uint64_t rsp) {
    Stack* stack = find(rsp - 1);  // an empty stack has rsp just above its last byte
    if (!stack) return;
    while (!stack->slots.empty() && stack->slots.back() < rsp) stack->slots.pop_back();
  }
  // A store of an instruction with these marks, executed with this rsp.
  static StackFault store(Stack& stack, uint64_t address, uint64_t size, uint64_t rsp, uint32_t marks);

  const std::vector<Stack>& all() const { return stacks_; }
  // Brings back the slots that `saved` has; stacks guarded since then lose theirs.
  void restore(const std::vector<Stack>& saved);

 private:
  Stack* search(uint64_t address);
  std::vector<Stack> stacks_;
  size_t last_ = 0;
};

}  // namespace jitproof
