// A block of memory for each thread that asks for one.
#ifndef LARDER_INTERNAL_BASE_PER_THREAD_H_
#define LARDER_INTERNAL_BASE_PER_THREAD_H_

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>
#include <new>

#include "larder/internal/base/account.h"
#include "larder/internal/base/atomic.h"
#include "larder/internal/base/thread_number.h"

namespace larder::internal {

// Thread-safe. The block of a number is for the thread that has it. The thread that gets the number of one that has
// ended goes on with its block (thread_number.h orders the two). There are kFirst blocks, a power of two, from the
// start; the others are made when a thread first needs them, if there is memory.
template <class Block, size_t kFirst>
class PerThread {
 public:
  PerThread() : first_(std::make_unique<Block[]>(kFirst)) {}
  PerThread(const PerThread&) = delete;
  PerThread& operator=(const PerThread&) = delete;
  ~PerThread() {
    for (const auto& more : more_) delete[] more.load(std::memory_order_relaxed);
  }

  // Charges to `account` what it takes, and what it will take for more threads. To be called once, before it is
  // used.
  void charge_to(Account& account, Use use) {
    account_ = &account;
    use_ = use;
    account.charge(use, kFirst * sizeof(Block));
  }

  // That of the calling thread. None if it has no number, or if there is no memory for its block, or none to spare.
  [[nodiscard]] Block* own() {
    const size_t number = thread_number();
    if (number != 0 && number < kFirst) [[likely]]
      return &first_[number];
    return number != 0 ? block_of_many(number) : nullptr;
  }
  // That of the number 0, which no thread has.
  [[nodiscard]] Block& of_none() { return first_[0]; }

  template <class Visit>
  void for_each(Visit&& visit) const {
    for (size_t i = 0; i < kFirst; ++i) visit(first_[i]);
    for (size_t i = 0; i < more_.size(); ++i) {
      // Acquire: for the zeros in them.
      const Block* const blocks = more_[i].load(std::memory_order_acquire);
      for (size_t j = 0; blocks != nullptr && j < blocks_in(i); ++j) visit(blocks[j]);
    }
  }

 private:
  // For so many threads there is a block each in any case, if there is memory, and for more in a share of the
  // limit.
  static constexpr size_t kBlocksMin = 64;
  static constexpr size_t kShareOfLimit = 512;
  static constexpr size_t kMoreMax = std::bit_width(kThreadNumberMax / kFirst);

  // As many as there are before: of 16, more_[0] has the blocks 16..31, more_[1] the blocks 32..63.
  static constexpr size_t blocks_in(size_t more) { return kFirst << more; }

  [[nodiscard]] Block* block_of_many(size_t number) {
    const auto i = static_cast<size_t>(std::bit_width(number / kFirst)) - 1;
    // Acquire: for the zeros in it.
    Block* blocks = more_[i].load(std::memory_order_acquire);
    if (blocks == nullptr) [[unlikely]]
      blocks = make_more(i);
    return blocks != nullptr ? &blocks[number - blocks_in(i)] : nullptr;
  }

  [[nodiscard]] Block* make_more(size_t i) {
    const size_t bytes = blocks_in(i) * sizeof(Block);
    if (account_ != nullptr) {
      const bool is_much = 2 * blocks_in(i) > kBlocksMin && 2 * bytes > account_->limit() / kShareOfLimit;
      if (is_much || !account_->try_charge(use_, bytes)) return nullptr;
    }
    std::unique_ptr<Block[]> made(new (std::nothrow) Block[blocks_in(i)]);
    Block* blocks = nullptr;
    if (made != nullptr && more_[i].compare_exchange_strong(blocks, made.get(), std::memory_order_acq_rel)) {
      return made.release();
    }
    if (account_ != nullptr) account_->release(use_, bytes);
    return blocks;
  }

  const std::unique_ptr<Block[]> first_;
  std::array<OrderedAtomic<Block*>, kMoreMax> more_{};
  Account* account_ = nullptr;
  Use use_ = Use::kOther;
};

}  // namespace larder::internal

#endif  // LARDER_INTERNAL_BASE_PER_THREAD_H_
