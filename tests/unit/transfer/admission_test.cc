#include "server/transfer/admission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <random>
#include <string>
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

TEST(AdmissionTest, OneThatIsLetOutAndLeavesLetsTheNextOut) {
  Admission admission(1, 1);
  admission.Add(1, "a");
  EXPECT_EQ(admission.Next(), 1u);
  admission.Add(2, "b");
  admission.Add(3, "a");
  admission.Add(4, "a");
  admission.Leave(1);  // lets 3 out
  EXPECT_EQ(admission.Next(), 2u);
  admission.Leave(3);
  admission.Leave(2);
  EXPECT_EQ(admission.Next(), 4u);
}

// Whatever comes and goes, also of those that wait: the limits hold, nobody is forgotten.
TEST(AdmissionTest, AtRandom) {
  std::mt19937 random(1);
  Admission admission(4, 1);
  std::map<uint64_t, std::string> waiting;
  std::map<uint64_t, std::string> running;
  uint64_t next = 1;
  uint64_t begun = 0;
  uint64_t given_up = 0;
  const auto begin = [&] {
    while (auto id = admission.Next()) {
      const auto it = waiting.find(*id);
      ASSERT_NE(it, waiting.end()) << "it has begun, or is gone";
      running.insert(waiting.extract(it));
      ++begun;
    }
    std::map<std::string, int> of_host;
    for (const auto& [id, host] : running) ++of_host[host];
    for (const auto& [host, count] : of_host) ASSERT_LE(count, 1);
    ASSERT_LE(running.size(), 4u);
    ASSERT_EQ(admission.running(), running.size());
    ASSERT_EQ(admission.waiting(), waiting.size());
  };
  const auto leave = [&](std::map<uint64_t, std::string>& of) {
    const auto it = std::next(of.begin(), static_cast<ptrdiff_t>(random() % of.size()));
    admission.Leave(it->first);
    of.erase(it);
  };
  // Each round ends with nobody: who was forgotten is still there then.
  for (int round = 0; round < 400; ++round) {
    for (int step = 0; step < 50; ++step) {
      const auto what = random() % 8;
      if (what < 4) {
        const std::string host(1, static_cast<char>('a' + random() % 5));
        waiting.emplace(next, host);
        admission.Add(next++, host);
      } else if (what == 4 && !waiting.empty()) {
        leave(waiting);
        ++given_up;
      } else if (!running.empty()) {
        leave(running);
      }
      // Not after each: so there are some that were let out and have not begun.
      if (random() % 4 == 0) begin();
    }
    begin();
    while (!running.empty()) {
      leave(running);
      begin();
    }
    ASSERT_EQ(waiting.size(), 0u) << "round " << round;
  }
  EXPECT_EQ(begun + given_up, next - 1);
  EXPECT_GT(given_up, 500u);
  EXPECT_EQ(admission.waiting(), 0u);
}

}  // namespace
}  // namespace bits::transfer
