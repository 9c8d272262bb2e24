#include "marks.h"

#include <algorithm>
#include <cstring>

namespace jitproof {

void Marks::set(uint64_t address, const uint32_t* marks, size_t count) {
  while (count) {
    const size_t at = address & kPageMask;
    const size_t here = std::min<size_t>(count, kPageSize - at);
    std::unique_ptr<uint32_t[]>& page = pages_[address / kPageSize];
    if (!page) page = std::make_unique<uint32_t[]>(kPageSize);
    memcpy(page.get() + at, marks, here * sizeof *marks);
    address += here;
    marks += here;
    count -= here;
  }
}

}  // namespace jitproof
