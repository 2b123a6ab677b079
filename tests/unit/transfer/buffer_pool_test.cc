#include "server/transfer/buffer_pool.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>

namespace bits::transfer {
namespace {

TEST(BufferTest, TakesBytes) {
  Buffer none;
  EXPECT_FALSE(none.allocated());
  EXPECT_EQ(none.room(), 0u);
  EXPECT_TRUE(none.empty());
  BufferPool pool(1 << 20);
  Buffer buffer = pool.Acquire(5000, false);
  EXPECT_EQ(buffer.capacity(), 8192u);
  buffer.Append("one");
  buffer.Append("two");
  EXPECT_EQ(buffer.view(), "onetwo");
  EXPECT_EQ(buffer.room(), 8192u - 6);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(buffer.view().data()) % 4096, 0u);
}

TEST(BufferPoolTest, KeepsToItsLimit) {
  BufferPool pool(32 * 1024);
  Buffer a = pool.Acquire(16 * 1024, false);
  Buffer b = pool.Acquire(16 * 1024, false);
  EXPECT_TRUE(b.allocated());
  EXPECT_FALSE(pool.Acquire(1, false).allocated());
  EXPECT_EQ(pool.used(), 32u * 1024);
  Buffer c = pool.Acquire(1, true);
  EXPECT_TRUE(c.allocated());
  pool.Release(std::move(a));
  pool.Release(std::move(c));
  EXPECT_EQ(pool.used(), 16u * 1024);
  EXPECT_TRUE(pool.Acquire(1, false).allocated());
}

TEST(BufferPoolTest, LargeOnesComeBackEmpty) {
  BufferPool pool(size_t{8} << 20);
  Buffer buffer = pool.Acquire(BufferPool::kMost, false);
  buffer.Append("old");
  pool.Release(std::move(buffer));
  EXPECT_EQ(pool.used(), 0u);
  buffer = pool.Acquire(BufferPool::kMost, false);
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.room(), BufferPool::kMost);
}

}  // namespace
}  // namespace bits::transfer
