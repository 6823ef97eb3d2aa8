#include "netd/buffer.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

namespace netd {
namespace {

size_t in_whole_pages(size_t bytes) {
  const size_t pages = (bytes + BufferPool::kOverheadBytes + BufferPool::kPageBytes - 1) / BufferPool::kPageBytes;
  return pages * BufferPool::kPageBytes - BufferPool::kOverheadBytes;
}

}  // namespace

BufferPool::BufferPool(Charge charge, size_t kept_bytes_max)
    : charge_(std::move(charge)), kept_bytes_max_(std::max(kept_bytes_max, kKeptBytesMin)) {}

BufferPool::~BufferPool() { trim(0); }

Block BufferPool::take(size_t bytes_min) {
  bytes_min = std::max(bytes_min, is_short_ ? kShortBlockBytes : kBlockBytes);
  if (!is_short_ && bytes_min <= kept_bytes_max_) bytes_min = in_whole_pages(bytes_min);
  // Of the shortest that fit the one given back last: it is the most likely one to be in the processor's cache.
  // None that is far too long: who needs little should have little.
  const size_t bytes_max = 2 * bytes_min;
  auto best = kept_.end();
  for (auto block = kept_.begin(); block != kept_.end(); ++block) {
    const size_t bytes = block->capacity;
    if (bytes >= bytes_min && bytes <= bytes_max && (best == kept_.end() || bytes <= best->capacity)) best = block;
  }
  return best != kept_.end() ? take_kept(best) : allocate(bytes_min);
}

Block BufferPool::take_kept(std::vector<Block>::iterator block) {
  Block taken = std::move(*block);
  kept_.erase(block);
  kept_bytes_ -= taken.capacity;
  unused_bytes_ = std::min(unused_bytes_, kept_bytes_);
  return taken;
}

void BufferPool::give(Block block) {
  if (block.capacity < kBlockBytes || block.capacity > kept_bytes_max_) return free(std::move(block));
  // What was given back longest ago is what nobody needs.
  while (kept_bytes_ + block.capacity > kept_bytes_max_) free(take_kept(kept_.begin()));
  kept_bytes_ += block.capacity;
  kept_.push_back(std::move(block));
}

void BufferPool::trim(size_t kept_bytes_max) {
  while (kept_bytes_ > kept_bytes_max) free(take_kept(std::ranges::max_element(kept_, {}, &Block::capacity)));
}

bool BufferPool::trim_unused() {
  if (unused_bytes_ > kKeptBytesMin) trim(kept_bytes_ - (unused_bytes_ - kKeptBytesMin));
  unused_bytes_ = kept_bytes_;
  return kept_bytes_ > kKeptBytesMin;
}

Block BufferPool::allocate(size_t bytes) {
  if (!charge_(static_cast<int64_t>(bytes))) return {};
  std::unique_ptr<char[]> data(new (std::nothrow) char[bytes]);
  if (data != nullptr) return {std::move(data), bytes};
  (void)charge_(-static_cast<int64_t>(bytes));
  return {};
}

void BufferPool::free(Block block) {
  block.data.reset();
  (void)charge_(-static_cast<int64_t>(block.capacity));
}

Buffer::Pieces Buffer::pieces() const {
  const std::string_view all = content();
  if (held_ == nullptr) return {all};
  return {all.substr(0, held_->place), held_->rest, all.substr(held_->place)};
}

void Buffer::consume(size_t bytes) {
  assert(bytes <= size());
  if (held_ != nullptr) consume_held(bytes);
  begin_ += bytes;
  if (begin_ == end_) begin_ = end_ = 0;
}

// Leaves of `bytes` those behind the held value.
void Buffer::consume_held(size_t& bytes) {
  const size_t in_front = std::min(bytes, held_->place);
  const size_t of_value = std::min(bytes - in_front, held_->rest.size());
  begin_ += in_front;
  held_->place -= in_front;
  held_->rest.remove_prefix(of_value);
  bytes -= in_front + of_value;
  if (held_->rest.empty()) held_.reset();
}

void Buffer::reserve(size_t bytes) {
  if (!try_reserve(bytes)) throw std::bad_alloc();
}

void Buffer::append(std::string_view text) {
  reserve(text.size());
  std::copy(text.begin(), text.end(), block_.data.get() + end_);
  end_ += text.size();
}

std::optional<larder::Handle> Buffer::try_keep(const larder::ItemView& item, size_t bytes) {
  larder::Handle handle = outlet_->keep(item);
  if (!try_reserve(bytes + (handle ? 0 : item.value.size()))) return std::nullopt;
  return handle;
}

void Buffer::append_value(std::string_view value, larder::Handle handle) {
  if (handle) {
    held_ = std::make_unique<Held>(Held{.handle = std::move(handle), .rest = value, .place = end_ - begin_});
    return;
  }
  const size_t taken = outlet_->send({content(), value});
  const size_t taken_of_content = std::min(taken, size());
  consume(taken_of_content);
  value.remove_prefix(taken - taken_of_content);
  append(value);
}

void Buffer::release() {
  held_.reset();
  begin_ = end_ = 0;
  if (block_.capacity == 0) return;
  pool_.give(std::exchange(block_, Block()));
}

void Buffer::trim() {
  if (empty()) return release();
  const size_t bytes = std::max<size_t>((content().size() + kTrimmedBytes - 1) / kTrimmedBytes, 1) * kTrimmedBytes;
  if (block_.capacity <= 2 * bytes) return;
  Block smaller = bytes < BufferPool::kBlockBytes ? pool_.allocate(bytes) : pool_.take(bytes);
  if (smaller.capacity > 0) move_to(std::move(smaller));
}

void Buffer::move_to(Block block) {
  std::ranges::copy(content(), block.data.get());
  std::swap(block_, block);
  if (block.capacity > 0) pool_.give(std::move(block));
  end_ -= begin_;
  begin_ = 0;
}

bool Buffer::make_room(size_t bytes) {
  const size_t size = end_ - begin_;
  const size_t needed = size + bytes;
  if (needed <= block_.capacity) {
    std::memmove(block_.data.get(), block_.data.get() + begin_, size);
    end_ -= begin_;
    begin_ = 0;
    return true;
  }
  Block larger = pool_.take(std::max(needed, size + size / 2));
  if (larger.capacity == 0) return false;
  move_to(std::move(larger));
  return true;
}

}  // namespace netd
