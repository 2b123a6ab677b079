#include "server/transfer/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace bits::transfer {
namespace {

using ::testing::ElementsAre;

std::vector<uint64_t> All(Admission& admission) {
  std::vector<uint64_t> ids;
  while (auto id = admission.Next()) ids.push_back(*id);
  return ids;
}

TEST(AdmissionTest, InOrderUpToTheMost) {
  Admission admission(2, 0);
  for (uint64_t id = 1; id <= 4; ++id) admission.Add(id, "h");
  EXPECT_THAT(All(admission), ElementsAre(1, 2));
  EXPECT_EQ(admission.running(), 2u);
  EXPECT_EQ(admission.waiting(), 2u);
  admission.Leave(2);
  EXPECT_THAT(All(admission), ElementsAre(3));
}

TEST(AdmissionTest, AFullHostIsPassed) {
  Admission admission(10, 1);
  admission.Add(1, "a");
  admission.Add(2, "a");
  admission.Add(3, "b");
  admission.Add(4, "a");
  EXPECT_THAT(All(admission), ElementsAre(1, 3));
  admission.Add(5, "");
  admission.Add(6, "");
  EXPECT_THAT(All(admission), ElementsAre(5, 6));
  admission.Leave(3);
  EXPECT_THAT(All(admission), ElementsAre());
  admission.Leave(1);
  EXPECT_THAT(All(admission), ElementsAre(2));
  admission.Leave(2);
  EXPECT_THAT(All(admission), ElementsAre(4));
}

TEST(AdmissionTest, ThoseThatLeaveBeforeTheirTurn) {
  Admission admission(1, 1);
  for (uint64_t id = 1; id <= 4; ++id) admission.Add(id, id % 2 == 0 ? "a" : "b");
  EXPECT_THAT(All(admission), ElementsAre(1));
  admission.Leave(2);
  admission.Leave(3);
  admission.Leave(99);
  admission.Leave(1);
  EXPECT_THAT(All(admission), ElementsAre(4));
}

// Whatever comes and goes: the limits hold, nobody is forgotten.
TEST(AdmissionTest, AtRandom) {
  std::mt19937 random(1);
  Admission admission(7, 2);
  std::vector<std::pair<uint64_t, std::string>> running;
  std::map<std::string, int> of_host;
  uint64_t next = 1;
  uint64_t begun = 0;
  for (int step = 0; step < 20000; ++step) {
    if (random() % 2 == 0 && next < 5000) {
      const std::string host = std::string(1, static_cast<char>('a' + random() % 5));
      admission.Add(next++, host);
    } else if (!running.empty()) {
      const size_t i = random() % running.size();
      --of_host[running[i].second];
      admission.Leave(running[i].first);
      running.erase(running.begin() + static_cast<ptrdiff_t>(i));
    }
    while (auto id = admission.Next()) {
      ++begun;
      // The host is not told; the limit per host is what is left to see.
      running.emplace_back(*id, "");
    }
    ASSERT_LE(running.size(), 7u);
    ASSERT_EQ(admission.running(), running.size());
  }
  while (!running.empty()) {
    admission.Leave(running.back().first);
    running.pop_back();
    while (auto id = admission.Next()) {
      ++begun;
      running.emplace_back(*id, "");
    }
  }
  EXPECT_EQ(begun, next - 1);
  EXPECT_EQ(admission.waiting(), 0u);
}

}  // namespace
}  // namespace bits::transfer
