#include "netd/buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

namespace netd {

BufferPool::BufferPool(Charge charge) : charge_(std::move(charge)) {}

BufferPool::~BufferPool() { (void)charge_(-static_cast<int64_t>(kept_bytes_)); }

Block BufferPool::take(size_t bytes_min) {
  // The block given back last is the one most likely in the processor's cache.
  const auto fits = [bytes_min](const Block& block) { return block.capacity >= bytes_min; };
  const auto found = std::find_if(kept_.rbegin(), kept_.rend(), fits);
  if (found != kept_.rend()) {
    std::swap(*found, kept_.back());
    Block block = std::move(kept_.back());
    kept_.pop_back();
    kept_bytes_ -= block.capacity;
    return block;
  }
  return allocate(std::max(bytes_min, kBlockBytes));
}

Block BufferPool::take_small(size_t bytes) {
  assert(bytes < kBlockBytes);
  return allocate(bytes);
}

void BufferPool::give(Block block) {
  if (block.capacity < kBlockBytes || kept_bytes_ + block.capacity > kKeptBytesMax) {
    (void)charge_(-static_cast<int64_t>(block.capacity));
    return;
  }
  kept_bytes_ += block.capacity;
  kept_.push_back(std::move(block));
}

Block BufferPool::allocate(size_t bytes) {
  if (!charge_(static_cast<int64_t>(bytes))) return {};
  std::unique_ptr<char[]> data(new (std::nothrow) char[bytes]);
  if (data != nullptr) return {std::move(data), bytes};
  (void)charge_(-static_cast<int64_t>(bytes));
  return {};
}

void Buffer::consume(size_t bytes) {
  assert(bytes <= size());
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

void Buffer::reserve(size_t bytes) {
  if (!try_reserve(bytes)) throw std::bad_alloc();
}

void Buffer::append(std::string_view text) {
  reserve(text.size());
  std::copy(text.begin(), text.end(), block_.data.get() + end_);
  end_ += text.size();
}

void Buffer::append_or_send(std::string_view text) {
  if (outlet_ && text.size() >= kLongBytesMin) {
    const size_t taken = outlet_(content(), text);
    const size_t taken_of_content = std::min(taken, size());
    consume(taken_of_content);
    text.remove_prefix(taken - taken_of_content);
  }
  append(text);
}

void Buffer::release() {
  begin_ = end_ = 0;
  if (block_.capacity == 0) return;
  pool_.give(std::exchange(block_, Block()));
}

void Buffer::trim() {
  if (empty()) return release();
  if (size() > kTrimmedBytes || block_.capacity <= kTrimmedBytes) return;
  Block smaller = pool_.take_small(kTrimmedBytes);
  if (smaller.capacity > 0) move_to(std::move(smaller));
}

void Buffer::move_to(Block block) {
  std::copy_n(block_.data.get() + begin_, size(), block.data.get());
  std::swap(block_, block);
  if (block.capacity > 0) pool_.give(std::move(block));
  end_ -= begin_;
  begin_ = 0;
}

bool Buffer::make_room(size_t bytes) {
  const size_t needed = size() + bytes;
  if (needed <= block_.capacity) {
    std::memmove(block_.data.get(), block_.data.get() + begin_, size());
    end_ -= begin_;
    begin_ = 0;
    return true;
  }
  Block larger = pool_.take(std::max(needed, size() + size() / 2));
  if (larger.capacity == 0) return false;
  move_to(std::move(larger));
  return true;
}

}  // namespace netd
