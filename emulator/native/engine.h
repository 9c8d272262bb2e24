// The engine behind engine.ts: memory, marks, watches, stacks, snapshots, and the Unicorn instances that run over them.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core.h"
#include "cpu.h"
#include "marks.h"
#include "memory.h"
#include "stacks.h"

namespace jitproof {

// The words that engine and TypeScript share; addon.ts has the same list.
enum BlockWord {
  kBlockRegisters = 0,
  kBlockTag = kRegisters,
  kBlockIcount,  // a double
  kBlockStop,    // StopKind, pc, a, b, c, d
  kBlockWords = kBlockStop + 6,
};

// Why TypeScript is called, in the middle of a run or at its end.
enum class Callback : uint32_t { kEvents, kWatch, kSteps, kAccesses };

enum class Answer { kGoOn, kStop, kThrew };

// Whoever can call TypeScript.
struct Host {
  virtual Answer call(Callback what, uint32_t argument) = 0;

 protected:
  ~Host() = default;
};

// Fixed-size records in memory that TypeScript reads; full, they are handed over.
struct Records {
  uint64_t* words = nullptr;
  uint32_t capacity = 0;
  uint32_t count = 0;
};
constexpr uint32_t kEventWords = 24, kStepWords = 20, kAccessWords = 6;

struct WatchEntry {
  enum Flag : uint32_t { kCount = 1, kLimit = 2, kEvent = 4, kCall = 8, kStop = 16, kTransfersOnly = 32 };
  uint32_t flags = 0;
  uint64_t limit = 0;
  uint64_t hits = 0;
};

// Where a run ended on an instruction whose watch has been served: going on from there does not serve it again. An icount
// that has been set back says that this is not going on.
struct Resume {
  uint64_t rip, rsp, icount;
};

// Where the last run ended and how it came there: a run that begins there goes on.
struct RunEnd {
  uint64_t rip = 0, rsp = 0, icount = ~uint64_t{0};
  uint64_t pc = 0, next = 0;  // of the instruction that executed last, as in Core
  uint32_t marks = 0;

  bool sameAs(uint64_t atRip, uint64_t atRsp, uint64_t atIcount) const {
    return rip == atRip && rsp == atRsp && icount == atIcount;
  }
};

struct Snapshot {
  Memory::Contents memory;
  RegisterFile registers;
  double icount;
  std::vector<uint64_t> hits;
  std::vector<Stack> stacks;
  std::vector<Resume> resumes;
  std::vector<RunEnd> ends;
};

class Engine final : private CodeListener {
 public:
  enum Option : uint32_t {
    kBare = 1,        // Unicorn with no hooks: what a run costs without us
    kStoreHooks = 2,  // hear of stores through UC_HOOK_MEM_WRITE even where the inside is reachable
  };
  static std::string describe();  // which Unicorn

  Engine(uint64_t* block, const std::atomic<int32_t>* stopFlag, uint32_t options);
  ~Engine();

  // Each returns an empty string, or why it cannot be done.
  std::string map(uint64_t address, uint64_t size, uint8_t prot);
  std::string protect(uint64_t address, uint64_t size, uint8_t prot);
  std::string read(uint64_t address, uint8_t* to, uint64_t size);
  std::string write(uint64_t address, const uint8_t* from, uint64_t size);
  std::string mark(uint64_t address, const uint32_t* marks, size_t count);
  std::string guardStack(uint64_t low, uint64_t high);
  void watch(uint32_t id, uint32_t flags, uint64_t limit);
  uint64_t hits(uint32_t id) const { return id < watches_.size() ? watches_[id].hits : 0; }
  void resetHits();

  // Runs from the block's registers to the stop that it leaves in the block; false when a callback threw.
  bool run(uint64_t until, uint64_t budget, bool traced, Host* host, std::string* error);
  bool running() const { return host_ != nullptr; }

  uint32_t snapshot(size_t* bytes);
  std::string restore(uint32_t id);
  void drop(uint32_t id);
  bool bare() const { return options_ & kBare; }

  Records events, steps, accesses;

  // For the cores.
  Memory memory;
  Marks marks;
  Stacks stacks;
  Answer dispatch(Core* core, Callback what, uint32_t argument);
  std::vector<WatchEntry>& watches() { return watches_; }
  bool stopRequested() const { return stopFlag_ && stopFlag_->load(std::memory_order_relaxed) != 0; }
  uint64_t tag() const { return block_[kBlockTag]; }
  uint64_t icount(const Core& core) const { return icountBase_ + (core.granted - core.left()); }
  uint64_t* block() { return block_; }
  void remember(Resume resume);
  RunEnd endAt(uint64_t rip, uint64_t rsp, uint64_t icount) const;
  // Guest code has been rewritten by a guest store on `core`: the other Unicorn instance does not know.
  void rewrittenBy(const Core* core, uint64_t address);

 private:
  void codeChanges(uint64_t address, uint64_t size) override;
  Cpu* cpu(bool traced, std::string* error);
  void noteEnd(const Core* core);
  void handOver(Core* core, Callback what, Records* records);
  bool loop(Core* core, uint64_t until, std::string* error);
  void settleFault(Core* core, uint64_t until);
  void findLoad(Core* core, uint64_t until);
  bool narrow(uint64_t from, uint64_t fault, uint64_t until, uint64_t* end) const;
  RegisterFile* registers() { return reinterpret_cast<RegisterFile*>(block_); }

  uint64_t* const block_;
  const std::atomic<int32_t>* const stopFlag_;
  const uint32_t options_;
  Cpu* cpus_[2] = {};                       // for plain and for traced runs, made when first needed
  std::vector<uint64_t> stale_[2];          // code pages of which that Unicorn may hold old translations
  std::vector<WatchEntry> watches_;
  std::vector<Resume> resumes_;
  std::unordered_map<uint32_t, Snapshot> snapshots_;
  uint32_t nextSnapshot_ = 1;
  uint64_t icountBase_ = 0;
  Core* core_ = nullptr;  // of the run under way
  Host* host_ = nullptr;
  std::vector<RunEnd> ends_;  // the last one first: threads of execution that may be gone on with
};

}  // namespace jitproof
