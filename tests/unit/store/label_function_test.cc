#include "server/store/sqlite/label_function.h"

#include <gtest/gtest.h>

namespace bits::store {
namespace {

TEST(Labels, AreFoundByKey) {
  const std::map<std::string, std::string> labels = {
      {"", "empty key"}, {"a", ""}, {"ab", "x"}, {std::string("n\0l", 3), std::string("\0", 1)}};
  const std::string encoded = EncodeLabels(labels);
  for (const auto& [key, value] : labels) EXPECT_EQ(FindLabel(encoded, key), value);
  for (const char* absent : {"b", "x", "n", "empty key"}) {
    EXPECT_EQ(FindLabel(encoded, absent), std::nullopt) << absent;
  }
  EXPECT_EQ(EncodeLabels({}), "");
  EXPECT_EQ(FindLabel("", ""), std::nullopt);
}

TEST(Labels, DamageIsNoLabel) {
  const std::string encoded = EncodeLabels({{"key", "value"}});
  for (size_t length = 0; length < encoded.size(); ++length) {
    EXPECT_EQ(FindLabel(std::string_view(encoded).substr(0, length), "key"), std::nullopt);
  }
  EXPECT_EQ(FindLabel("\xff\xff\xff\xff", "key"), std::nullopt);
}

}  // namespace
}  // namespace bits::store
