#include "stacks.h"

#include <algorithm>

#include "marks.h"

namespace jitproof {

void Stacks::guard(uint64_t low, uint64_t high) {
  std::erase_if(stacks_, [=](const Stack& s) { return s.low < high && low < s.high; });
  stacks_.push_back({low, high, {}});
}

Stack* Stacks::search(uint64_t address) {
  for (size_t i = 0; i < stacks_.size(); i++) {
    if (stacks_[i].holds(address)) {
      last_ = i;
      return &stacks_[i];
    }
  }
  return nullptr;
}

StackFault Stacks::store(Stack& stack, uint64_t address, uint64_t size, uint64_t rsp, uint32_t marks) {
  std::vector<uint64_t>& slots = stack.slots;
  const uint64_t pushed = rsp - 8;
  if ((marks & kPush) && address >= pushed && address + size <= rsp) {
    while (!slots.empty() && slots.back() <= pushed) slots.pop_back();
    slots.push_back(pushed);
    return StackFault::kNone;
  }
  // Which bytes are free depends on rsp only in the stack that rsp is in; in another task's, only its slots are taken.
  if (address < rsp && rsp >= stack.low && rsp <= stack.high) return StackFault::kBelowRsp;
  if (marks & kOwnStore) return StackFault::kNone;
  const auto below = std::partition_point(slots.begin(), slots.end(), [=](uint64_t s) { return s >= address + size; });
  return below != slots.end() && *below + 8 > address ? StackFault::kControlSlot : StackFault::kNone;
}

void Stacks::restore(const std::vector<Stack>& saved) {
  for (Stack& stack : stacks_) {
    const auto then = std::find_if(saved.begin(), saved.end(),
                                   [&](const Stack& s) { return s.low == stack.low && s.high == stack.high; });
    if (then == saved.end()) {
      stack.slots.clear();
    } else {
      stack.slots = then->slots;
    }
  }
}

}  // namespace jitproof
