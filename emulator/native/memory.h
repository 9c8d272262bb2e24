// Guest memory: host pages that we own, mapped into Unicorn by pointer, so that nothing here asks Unicorn for a byte.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace jitproof {

constexpr uint64_t kPageSize = 4096;
constexpr uint64_t kPageMask = kPageSize - 1;

// One byte of flags for each guest page.
enum PageFlag : uint8_t {
  kPageRead = 1,
  kPageWrite = 2,
  kPageExec = 4,
  kPageProt = 7,
  kPageDirty = 8,   // may differ from the block that the current snapshot state has for it
  kPageCode = 16,   // is or was executable: translations of it may exist
  kPageGuard = 32,  // part of a guarded stack
};

// Contents of one page as a snapshot keeps them: shared between snapshots, never changed.
struct Block {
  uint32_t references;
  uint8_t bytes[kPageSize];
};

// The blocks of 512 consecutive pages; null stands for a page of zeros. Shared between snapshots.
struct Leaf {
  static constexpr size_t kPages = 512;
  uint32_t references;
  Block* page[kPages];
};

struct Region {
  uint64_t address;
  uint64_t size;
  uint8_t* host;
  uint8_t* flags;             // PageFlag bits, one byte a page
  size_t order;               // how many regions were mapped before this one
  std::vector<Leaf*> leaves;  // contents at the last snapshot or restore; dirty pages may differ

  uint64_t pages() const { return size / kPageSize; }
  bool holds(uint64_t at) const { return at - address < size; }
};

struct PageRef {
  Region* region;
  uint64_t index;
  uint64_t address() const { return region->address + index * kPageSize; }
  uint8_t* host() const { return region->host + index * kPageSize; }
  uint8_t& flags() const { return region->flags[index]; }
};

// What Memory::restore needs from its owner: a page of code whose bytes are about to change.
struct CodeListener {
  virtual void codeChanges(uint64_t address, uint64_t size) = 0;

 protected:
  ~CodeListener() = default;
};

class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  ~Memory();

  // Maps zeroed pages. Returns the region, or null with the reason in `error`.
  Region* map(uint64_t address, uint64_t size, uint8_t prot, std::string* error);
  // Sets the protection of pages that are all mapped; false when they have it already.
  bool protect(uint64_t address, uint64_t size, uint8_t prot);
  // Adds a flag to the pages of the range that are mapped.
  void flag(uint64_t address, uint64_t size, PageFlag flag);
  Region* find(uint64_t address);
  // Host address of [address, address + size) when it lies within one region, else null.
  uint8_t* host(uint64_t address, uint64_t size);
  // First address in [address, address + size) that is not mapped; false when all of it is.
  bool firstHole(uint64_t address, uint64_t size, uint64_t* hole);
  // Whether all of it is mapped with this protection.
  bool allows(uint64_t address, uint64_t size, PageFlag right);
  void copyOut(uint64_t address, uint8_t* to, uint64_t size);  // all of it must be mapped
  void copyIn(uint64_t address, const uint8_t* from, uint64_t size, CodeListener* listener);
  void touch(PageRef page) {
    if (!(page.flags() & kPageDirty)) {
      page.flags() |= kPageDirty;
      dirty_.push_back(page);
    }
  }
  const std::vector<std::unique_ptr<Region>>& regions() const { return regions_; }

  // Contents of all regions. The handle is a list of leaves for each region, in the order in which they were mapped.
  using Contents = std::vector<std::vector<Leaf*>>;
  Contents save(size_t* bytes);  // *bytes: what this call had to copy
  void restore(const Contents& contents, CodeListener* listener);
  void release(Contents* contents);

 private:
  std::vector<std::unique_ptr<Region>> regions_;  // in the order in which they were mapped
  std::vector<Region*> sorted_;                   // by address
  Region* last_ = nullptr;
  std::vector<PageRef> dirty_;
};

}  // namespace jitproof
