#include "server/transfer/buffer_pool.h"

#include <cstring>
#include <utility>

namespace bits::transfer {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kMostSpare = 16;

}  // namespace

Buffer::Buffer(size_t capacity)
    : data_(static_cast<char*>(std::aligned_alloc(kPage, capacity))), capacity_(capacity) {
  if (data_ == nullptr) std::abort();  // as operator new would end us
}

void Buffer::Append(std::string_view data) {
  std::memcpy(data_.get() + size_, data.data(), data.size());
  size_ += data.size();
}

Buffer BufferPool::Acquire(size_t size, bool even_so) {
  size = (size + kPage - 1) / kPage * kPage;
  if (used_ + size > limit_ && !even_so) return {};
  used_ += size;
  if (size == kMost && !spare_.empty()) {
    Buffer buffer = std::move(spare_.back());
    spare_.pop_back();
    return buffer;
  }
  return Buffer(size);
}

void BufferPool::Release(Buffer buffer) {
  used_ -= buffer.capacity();
  if (buffer.capacity() == kMost && spare_.size() < kMostSpare) {
    buffer.clear();
    spare_.push_back(std::move(buffer));
  }
}

}  // namespace bits::transfer
