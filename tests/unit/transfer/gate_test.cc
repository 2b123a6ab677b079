#include "server/transfer/gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace bits::transfer {
namespace {

using ::testing::ElementsAre;

TEST(GateTest, LetsSoManyIn) {
  Gate gate(2);
  std::vector<int> in;
  const Gate::Ticket a = gate.Enter([&] { in.push_back(1); });
  const Gate::Ticket b = gate.Enter([&] { in.push_back(2); });
  const Gate::Ticket c = gate.Enter([&] { in.push_back(3); });
  const Gate::Ticket d = gate.Enter([&] { in.push_back(4); });
  EXPECT_THAT(in, ElementsAre(1, 2));
  gate.Leave(c);  // without having been in
  gate.Leave(a);
  EXPECT_THAT(in, ElementsAre(1, 2, 4));
  gate.Leave(b);
  gate.Leave(d);
  gate.Enter([&] { in.push_back(5); });
  gate.Enter([&] { in.push_back(6); });
  gate.Enter([&] { in.push_back(7); });
  EXPECT_THAT(in, ElementsAre(1, 2, 4, 5, 6));
}

}  // namespace
}  // namespace bits::transfer
