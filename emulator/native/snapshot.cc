// Snapshots of memory: a save copies the pages that changed since the last save or restore, a restore copies back the
// pages that changed since and those in which the two snapshots differ. Both cost what was touched, whatever is mapped.
#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "memory.h"

namespace jitproof {
namespace {

void drop(Block* block) {
  if (block && --block->references == 0) free(block);
}

void drop(Leaf* leaf) {
  if (!leaf || --leaf->references) return;
  for (Block* block : leaf->page) drop(block);
  free(leaf);
}

// The region's own copy of a leaf that snapshots may share.
Leaf* own(Leaf*& leaf, size_t* bytes) {
  if (leaf && leaf->references == 1) return leaf;
  Leaf* copy = static_cast<Leaf*>(leaf ? malloc(sizeof(Leaf)) : calloc(1, sizeof(Leaf)));
  if (leaf) {
    memcpy(copy->page, leaf->page, sizeof copy->page);
    for (Block* block : copy->page) {
      if (block) block->references++;
    }
    leaf->references--;
  }
  copy->references = 1;
  *bytes += sizeof(Leaf);
  return leaf = copy;
}

Block* blockAt(const std::vector<Leaf*>& leaves, uint64_t page) {
  const Leaf* leaf = leaves[page / Leaf::kPages];
  return leaf ? leaf->page[page % Leaf::kPages] : nullptr;
}

void put(PageRef page, const Block* block, CodeListener* listener) {
  static const uint8_t zeros[kPageSize] = {};
  const uint8_t* from = block ? block->bytes : zeros;
  if (!(page.flags() & kPageCode)) {
    memcpy(page.host(), from, kPageSize);
    return;
  }
  // Of translated code, no more is dropped than has changed.
  uint8_t* to = page.host();
  uint64_t first = 0, end = kPageSize;
  while (first < end && to[first] == from[first]) first++;
  while (end > first && to[end - 1] == from[end - 1]) end--;
  if (first == end) return;
  memcpy(to + first, from + first, end - first);
  listener->codeChanges(page.address() + first, end - first);
}

}  // namespace

Memory::Contents Memory::save(size_t* bytes) {
  *bytes = 0;
  for (PageRef page : dirty_) {
    Block* block = static_cast<Block*>(malloc(sizeof(Block)));
    block->references = 1;
    memcpy(block->bytes, page.host(), kPageSize);
    Leaf* leaf = own(page.region->leaves[page.index / Leaf::kPages], bytes);
    Block*& place = leaf->page[page.index % Leaf::kPages];
    drop(place);
    place = block;
    page.flags() &= ~kPageDirty;
    *bytes += sizeof(Block);
  }
  dirty_.clear();

  Contents contents;
  contents.reserve(regions_.size());
  for (auto& region : regions_) {
    for (Leaf* leaf : region->leaves) {
      if (leaf) leaf->references++;
    }
    contents.push_back(region->leaves);
    *bytes += region->leaves.size() * sizeof(Leaf*);
  }
  return contents;
}

void Memory::restore(const Contents& contents, CodeListener* listener) {
  // Regions mapped after the save are not in it: they and their dirty pages stay as they are.
  std::vector<PageRef> later;
  for (PageRef page : dirty_) {
    if (page.region->order >= contents.size()) {
      later.push_back(page);
      continue;
    }
    put(page, blockAt(page.region->leaves, page.index), listener);
    page.flags() &= ~kPageDirty;
  }
  dirty_.swap(later);

  for (size_t i = 0; i < contents.size(); i++) {
    Region* region = regions_[i].get();
    for (size_t j = 0; j < contents[i].size(); j++) {
      Leaf* to = contents[i][j];
      Leaf* from = region->leaves[j];
      if (to == from) continue;
      const size_t pages = std::min<uint64_t>(Leaf::kPages, region->pages() - j * Leaf::kPages);
      for (size_t k = 0; k < pages; k++) {
        Block* wanted = to ? to->page[k] : nullptr;
        if (wanted != (from ? from->page[k] : nullptr)) put({region, j * Leaf::kPages + k}, wanted, listener);
      }
      if (to) to->references++;
      region->leaves[j] = to;
      drop(from);
    }
  }
}

void Memory::release(Contents* contents) {
  for (auto& leaves : *contents) {
    for (Leaf* leaf : leaves) drop(leaf);
  }
  contents->clear();
}

}  // namespace jitproof
