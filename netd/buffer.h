// The input or output buffer of a connection, and the pool that its memory comes from.
//
// An empty buffer holds no memory, so idle connections cost next to nothing: it takes a block from its worker's
// pool when something is appended, and `release` gives it back. A pool belongs to one worker and needs no lock. It
// keeps some free blocks, and asks before it takes memory from the system, so that buffers count towards the
// cache's memory limit and stay within their share of it.
//
// The content may include one long value at a time without a copy: a handle holds it in the cache.
#ifndef NETD_BUFFER_H_
#define NETD_BUFFER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "larder/handle.h"
#include "larder/item.h"

namespace netd {

struct Block {
  std::unique_ptr<char[]> data;
  size_t capacity = 0;
};

class BufferPool {
 public:
  // Called with the number of bytes to take from the system, which it may refuse; or with a negative number when
  // bytes are given back.
  using Charge = std::function<bool(int64_t bytes)>;

  // Unless memory is short, blocks that may be kept are whole pages together with malloc's overhead: the next value,
  // which may be a little longer, fits too.
  static constexpr size_t kPageBytes = 4 << 10;
  static constexpr size_t kOverheadBytes = 32;
  // The size of an ordinary block.
  static constexpr size_t kBlockBytes = 4 * kPageBytes - kOverheadBytes;
  // The size of a block that is taken while memory is short.
  static constexpr size_t kShortBlockBytes = 2 << 10;
  // Free blocks are always kept up to this much.
  static constexpr size_t kKeptBytesMin = 128 << 10;

  // Keeps free blocks up to `kept_bytes_max`, so that a series of large ones need not come from the system each
  // time.
  explicit BufferPool(Charge charge, size_t kept_bytes_max = kKeptBytesMin);
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // A block of at least `bytes_min` bytes, or none if there is no memory for it.
  [[nodiscard]] Block take(size_t bytes_min);
  // A block of exactly `bytes`, from the system.
  [[nodiscard]] Block allocate(size_t bytes);
  void give(Block block);

  // Whether memory is so short that large blocks may be refused. Blocks are then no larger than needed, and
  // callers that can do without more should.
  void set_short(bool is_short) { is_short_ = is_short; }
  [[nodiscard]] bool is_short() const { return is_short_; }

  [[nodiscard]] size_t kept_bytes() const { return kept_bytes_; }
  // Frees what is kept beyond `kept_bytes_max`, the largest blocks first.
  void trim(size_t kept_bytes_max);
  // Frees what nobody has needed since the last call, beyond kKeptBytesMin. True if there may be more.
  bool trim_unused();

 private:
  Block take_kept(std::vector<Block>::iterator block);
  void free(Block block);

  const Charge charge_;
  const size_t kept_bytes_max_;
  std::vector<Block> kept_;
  size_t kept_bytes_ = 0;
  size_t unused_bytes_ = 0;  // the minimum of kept_bytes_ since trim_unused
  bool is_short_ = false;
};

// Bytes are appended at the end and consumed from the start. Views of the content are valid until the next call
// that appends, makes room or releases.
class Buffer {
 public:
  // The content in order: what precedes a held value, that value, and what follows it.
  using Pieces = std::array<std::string_view, 3>;

  // Where long values go without a copy.
  struct Outlet {
    // A handle to an item that is being shown, or an empty one.
    std::function<larder::Handle(const larder::ItemView& item)> keep;
    // Sends bytes from the start at once, as many as possible. Returns how many.
    std::function<size_t(const Pieces& pieces)> send;
  };

  // `trim` leaves a multiple of this.
  static constexpr size_t kTrimmedBytes = BufferPool::kShortBlockBytes;

  // From this length on, saving the copy is worth a handle or a separate system call.
  static constexpr size_t kLongBytesMin = 64 << 10;

  // The pool must outlive the buffer.
  explicit Buffer(BufferPool& pool) : pool_(pool) {}
  ~Buffer() { release(); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  [[nodiscard]] bool empty() const { return size() == 0; }
  [[nodiscard]] size_t size() const { return end_ - begin_ + (held_ != nullptr ? held_->rest.size() : 0); }
  [[nodiscard]] size_t capacity() const { return block_.capacity; }
  // Without a held value.
  [[nodiscard]] std::string_view content() const { return {block_.data.get() + begin_, end_ - begin_}; }
  [[nodiscard]] Pieces pieces() const;
  [[nodiscard]] bool holds_value() const { return held_ != nullptr; }
  // Whether appending anything that can wait should be postponed.
  [[nodiscard]] bool is_short_of_memory() const { return pool_.is_short(); }

  // Removes `bytes` ≤ size() bytes from the start.
  void consume(size_t bytes);

  // Makes room for `bytes` more bytes: grows by half, or by what is needed if that is more. False, and no change,
  // if there is no memory for it.
  [[nodiscard]] bool try_reserve(size_t bytes) { return block_.capacity - end_ >= bytes || make_room(bytes); }

  // The same, but throws std::bad_alloc.
  void reserve(size_t bytes);

  // The free room after the content; fill it from its start. `commit` makes the first `bytes` of it content.
  [[nodiscard]] std::span<char> room() { return {block_.data.get() + end_, block_.capacity - end_}; }
  void commit(size_t bytes) { end_ += bytes; }

  // Throws std::bad_alloc.
  void append(std::string_view text);

  // Whether a value can go to the outlet: no other is held.
  [[nodiscard]] bool has_outlet() const { return outlet_ != nullptr && held_ == nullptr && !is_collecting_; }
  // Whether a value should go to the outlet: it is long.
  [[nodiscard]] bool is_for_outlet(std::string_view value) const {
    return value.size() >= kLongBytesMin && has_outlet();
  }
  // Keeps the item of such a value, which is being shown, and reserves `bytes` bytes for what surrounds the value;
  // or reserves room for both, and returns an empty handle. Nothing, and no change, if there is no memory for it.
  [[nodiscard]] std::optional<larder::Handle> try_keep(const larder::ItemView& item, size_t bytes);
  // Appends such a value, held by the handle; or, if that is empty, the part of it that the outlet does not send
  // at once.
  void append_value(std::string_view value, larder::Handle handle);

  // From now on, long values go there.
  void set_outlet(Outlet outlet) { outlet_ = std::make_unique<Outlet>(std::move(outlet)); }
  // Whether everything that is appended must stay in the content, to be read there.
  void set_collecting(bool is_collecting) { is_collecting_ = is_collecting; }

  // Drops the content and gives the memory back.
  void release();

  // For content that may stay long: gives back memory that it does not need, if that is more than half.
  void trim();

 private:
  // A value in the content: what is left of it, and the position in `content` where it belongs.
  struct Held {
    larder::Handle handle;
    std::string_view rest;
    size_t place;
  };

  void consume_held(size_t& bytes);
  bool make_room(size_t bytes);
  void move_to(Block block);

  BufferPool& pool_;
  std::unique_ptr<Outlet> outlet_;
  Block block_;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::unique_ptr<Held> held_;
  bool is_collecting_ = false;
};

}  // namespace netd

#endif  // NETD_BUFFER_H_
