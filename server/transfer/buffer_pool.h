// Memory for bytes on their way to the disk.
#ifndef BITS_SERVER_TRANSFER_BUFFER_POOL_H_
#define BITS_SERVER_TRANSFER_BUFFER_POOL_H_

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

namespace bits::transfer {

// Page-aligned. Movable; may be handed to another thread.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(size_t capacity);

  bool allocated() const { return data_ != nullptr; }
  size_t capacity() const { return capacity_; }
  size_t room() const { return capacity_ - size_; }
  bool empty() const { return size_ == 0; }
  std::string_view view() const { return {data_.get(), size_}; }
  void clear() { size_ = 0; }
  // At most room() bytes.
  void Append(std::string_view data);

 private:
  struct Free {
    void operator()(char* p) const { std::free(p); }
  };
  std::unique_ptr<char, Free> data_;
  size_t capacity_ = 0;
  size_t size_ = 0;
};

// One thread. Counts what is given out against a limit.
class BufferPool {
 public:
  static constexpr size_t kLeast = size_t{16} * 1024;
  static constexpr size_t kMost = size_t{1024} * 1024;

  explicit BufferPool(size_t limit) : limit_(limit) {}

  // Of `size` (kLeast to kMost) rounded up to a page; not allocated if that would pass the limit,
  // unless `even_so`.
  Buffer Acquire(size_t size, bool even_so);
  void Release(Buffer buffer);

  size_t limit() const { return limit_; }
  size_t used() const { return used_; }

 private:
  const size_t limit_;
  size_t used_ = 0;
  std::vector<Buffer> spare_;  // of kMost: the costly ones
};

}  // namespace bits::transfer

#endif  // BITS_SERVER_TRANSFER_BUFFER_POOL_H_
