#include "server/base/secret.h"

#include <gtest/gtest.h>

#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

namespace bits {
namespace {

// Whether `text` stands in the object's own memory, where short texts are.
bool IsWithin(const unsigned char* memory, size_t size, const char* text) {
  return memmem(memory, size, text, std::strlen(text)) != nullptr;
}

TEST(Secret, LeavesNothingWithinItselfWhenItEndsOrIsMoved) {
  alignas(Secret) unsigned char memory[sizeof(Secret)] = {};
  auto* secret = new (memory) Secret("short");
  EXPECT_TRUE(IsWithin(memory, sizeof(memory), "short"));
  const Secret taken = std::move(*secret);
  EXPECT_FALSE(IsWithin(memory, sizeof(memory), "short"));
  EXPECT_EQ(taken.Reveal(), "short");
  secret->~Secret();
  secret = new (memory) Secret("other");
  secret->~Secret();
  EXPECT_FALSE(IsWithin(memory, sizeof(memory), "other"));
}

TEST(Secret, IsAValue) {
  Secret a(std::string(100, 'a'));
  Secret b = a;
  EXPECT_EQ(a, b);
  b = Secret("b");
  EXPECT_EQ(a.Reveal(), std::string(100, 'a'));
  a = b;
  EXPECT_EQ(a.Reveal(), "b");
  a = *&a;
  EXPECT_EQ(a.Reveal(), "b");
}

// It cannot be logged by accident: it is no text.
static_assert(!std::is_convertible_v<Secret, std::string>);
static_assert(!std::is_convertible_v<Secret, std::string_view>);

}  // namespace
}  // namespace bits
