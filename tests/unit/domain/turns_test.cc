#include "server/domain/turns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace bits::domain {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);
constexpr absl::Duration kSlice = absl::Minutes(5);

ActiveTurn Active(std::string id, std::string owner, Priority priority, absl::Duration ran) {
  return {std::move(id), std::move(owner), priority, kNow - ran};
}
WaitingJob Waiting(std::string id, std::string owner, Priority priority = Priority::kNormal) {
  return {std::move(id), std::move(owner), priority};
}

// "id", with "!" if its slice was over.
std::vector<std::string> PutBackOf(const TurnPlan& plan) {
  std::vector<std::string> ids;
  for (const auto& job : plan.put_back) ids.push_back(job.id + (job.slice_over ? "!" : ""));
  return ids;
}
std::vector<std::string> StartOf(const TurnPlan& plan) {
  std::vector<std::string> ids;
  for (const auto& job : plan.start) ids.push_back(job.id);
  return ids;
}
TurnPlan Plan(uint32_t slots, const std::vector<ActiveTurn>& active,
              const std::vector<WaitingJob>& waiting) {
  return PlanTurns(active, waiting, {slots, kSlice}, kNow);
}

constexpr auto kHigh = Priority::kHigh;
constexpr auto kNormal = Priority::kNormal;
constexpr auto kLow = Priority::kLow;
constexpr auto kForeground = Priority::kForeground;
constexpr auto kLong = absl::Hours(1);
constexpr auto kShort = absl::Seconds(1);

TEST(TurnsTest, ForegroundJobsAllRunWithoutASlot) {
  const TurnPlan plan =
      Plan(1, {Active("a", "o", kLow, kShort), Active("f", "o", kForeground, kLong)},
           {Waiting("f1", "o", kForeground), Waiting("f2", "o", kForeground),
            Waiting("f3", "p", kForeground)});
  EXPECT_THAT(StartOf(plan), ElementsAre("f1", "f2", "f3"));
  EXPECT_THAT(plan.put_back, IsEmpty());
  EXPECT_EQ(plan.look_again, absl::InfiniteFuture());
}

TEST(TurnsTest, SlotsGoToTheHighestPriorityFirst) {
  const TurnPlan plan = Plan(3, {}, {Waiting("l", "o", kLow), Waiting("n", "o"),
                                     Waiting("h", "o", kHigh), Waiting("h2", "p", kHigh)});
  EXPECT_THAT(StartOf(plan), ElementsAre("h", "h2", "n"));
}

TEST(TurnsTest, HigherPriorityTakesTheSlotOfTheLowestThatRanLongest) {
  const std::vector<ActiveTurn> active = {
      Active("n", "o", kNormal, kLong), Active("l1", "o", kLow, absl::Seconds(5)),
      Active("l2", "o", kLow, absl::Seconds(9)), Active("l3", "o", kLow, kShort)};
  EXPECT_THAT(PutBackOf(Plan(4, active, {Waiting("h", "o", kHigh)})), ElementsAre("l2"));
  const TurnPlan plan = Plan(4, active, {Waiting("h1", "o", kHigh), Waiting("h2", "p", kHigh)});
  EXPECT_THAT(PutBackOf(plan), ElementsAre("l2", "l1"));
  EXPECT_THAT(StartOf(plan), ElementsAre("h1", "h2"));
}

TEST(TurnsTest, NobodyGivesWayToALowerPriorityOrWithoutNeed) {
  EXPECT_THAT(Plan(1, {Active("n", "o", kNormal, kLong)}, {Waiting("l", "p", kLow)}).put_back,
              IsEmpty());
  // There is a slot for both.
  EXPECT_THAT(Plan(2, {Active("l", "o", kLow, kLong)}, {Waiting("h", "p", kHigh)}).put_back,
              IsEmpty());
  // The slice is over, but nobody waits.
  const TurnPlan plan = Plan(1, {Active("n", "o", kNormal, kLong)}, {});
  EXPECT_THAT(plan.put_back, IsEmpty());
  EXPECT_EQ(plan.look_again, absl::InfiniteFuture());
}

TEST(TurnsTest, SliceEndsWhenOneOfTheSamePriorityWaits) {
  const TurnPlan over = Plan(1, {Active("a", "o", kNormal, kSlice)}, {Waiting("b", "o")});
  EXPECT_THAT(PutBackOf(over), ElementsAre("a!"));
  EXPECT_THAT(StartOf(over), ElementsAre("b"));
  const TurnPlan before =
      Plan(1, {Active("a", "o", kNormal, kSlice - absl::Nanoseconds(1))}, {Waiting("b", "o")});
  EXPECT_THAT(before.put_back, IsEmpty());
  EXPECT_THAT(before.start, IsEmpty());
  EXPECT_EQ(before.look_again, kNow + absl::Nanoseconds(1));
}

TEST(TurnsTest, NoMoreSlicesEndThanAreWanted) {
  const TurnPlan plan = Plan(3,
                             {Active("a", "o", kNormal, kSlice + absl::Seconds(1)),
                              Active("b", "o", kNormal, kSlice + absl::Seconds(2)),
                              Active("c", "o", kNormal, kShort)},
                             {Waiting("d", "o")});
  EXPECT_THAT(PutBackOf(plan), ElementsAre("b!"));
  EXPECT_THAT(StartOf(plan), ElementsAre("d"));
}

TEST(TurnsTest, TurnGoesRoundAmongOwners) {
  // Owners in the order of the round; each gets one before any gets two.
  EXPECT_THAT(StartOf(Plan(4, {}, {Waiting("c1", "c"), Waiting("c2", "c"), Waiting("c3", "c"),
                                   Waiting("a1", "a"), Waiting("a2", "a"), Waiting("b1", "b")})),
              ElementsAre("c1", "a1", "b1", "c2"));
  // The owner with the fewest slots, whoever is the first in the round.
  EXPECT_THAT(StartOf(Plan(3, {Active("a1", "a", kNormal, kShort), Active("x", "b", kHigh, kShort)},
                           {Waiting("a2", "a"), Waiting("b1", "b")})),
              ElementsAre("b1"));
}

TEST(TurnsTest, SliceThatIsOverIsKeptByTheOwnerWithTheFewest) {
  // Were a1 put back, it would be its owner's turn again.
  const TurnPlan plan = Plan(
      2, {Active("a1", "a", kNormal, kLong), Active("b1", "b", kNormal, kShort)},
      {Waiting("b2", "b")});
  EXPECT_THAT(plan.put_back, IsEmpty());
  // But it takes turns with its owner's other job, and with one that has no slot at all.
  EXPECT_THAT(
      PutBackOf(Plan(2, {Active("a1", "a", kNormal, kLong), Active("b1", "b", kNormal, kShort)},
                     {Waiting("b2", "b"), Waiting("a2", "a")})),
      ElementsAre("a1!"));
  EXPECT_THAT(PutBackOf(Plan(1, {Active("a1", "a", kNormal, kLong)}, {Waiting("b1", "b")})),
              ElementsAre("a1!"));
}

TEST(TurnsTest, ThoseOverTheLimitArePutBackLowestFirst) {
  const TurnPlan plan =
      Plan(1,
           {Active("h", "o", kHigh, kLong), Active("l", "o", kLow, kShort),
            Active("n", "o", kNormal, kShort)},
           {});
  EXPECT_THAT(PutBackOf(plan), ElementsAre("l", "n"));
  EXPECT_THAT(PutBackOf(Plan(0, {Active("h", "o", kHigh, kLong)}, {Waiting("f", "o", kForeground),
                                                                  Waiting("n", "o")})),
              ElementsAre("h"));
}

// What must hold of any plan, whatever the jobs are.
class RandomPlans : public ::testing::TestWithParam<int> {
 protected:
  using Shares = std::map<std::pair<Priority, std::string>, int>;
  uint64_t Below(uint64_t end) { return random_() % end; }
  std::string Owner() { return std::string(1, static_cast<char>('a' + Below(4))); }

  std::mt19937_64 random_{static_cast<uint64_t>(GetParam())};
};

TEST_P(RandomPlans, KeepTheRules) {
  std::map<std::string, ActiveTurn> active;
  std::map<std::string, WaitingJob> waiting;
  std::vector<ActiveTurn> turns;
  std::vector<WaitingJob> queue;
  for (uint64_t i = Below(12); i > 0; --i) {
    turns.push_back(Active(absl::StrCat("a", i), Owner(), static_cast<Priority>(Below(4)),
                           kSlice + absl::Seconds(static_cast<int>(Below(10)) - 7)));
    active.emplace(turns.back().id, turns.back());
  }
  for (int priority = 0; priority < 4; ++priority) {
    for (const char* owner : {"b", "c", "d", "a"}) {
      for (uint64_t i = Below(3); i > 0; --i) {
        queue.push_back(Waiting(absl::StrCat("w", priority, owner, i), owner,
                                static_cast<Priority>(priority)));
        waiting.emplace(queue.back().id, queue.back());
      }
    }
  }
  const TurnPolicy policy{static_cast<uint32_t>(Below(10)), kSlice};
  const TurnPlan plan = PlanTurns(turns, queue, policy, kNow);

  Shares shares;
  std::vector<std::pair<Priority, std::string>> movable;  // new, or its slice is over
  std::set<Priority> started;
  for (const auto& job : plan.put_back) {
    ASSERT_EQ(active.count(job.id), 1u);
    const ActiveTurn& turn = active.at(job.id);
    EXPECT_NE(turn.priority, kForeground);
    EXPECT_TRUE(!job.slice_over || turn.since + kSlice <= kNow);
    active.erase(job.id);
  }
  for (const WaitingJob& job : plan.start) {
    ASSERT_EQ(waiting.erase(job.id), 1u);
    ++shares[{job.priority, job.owner}];
    movable.emplace_back(job.priority, job.owner);
    started.insert(job.priority);
  }
  size_t taken = 0;
  for (const WaitingJob& job : plan.start) taken += job.priority != kForeground ? 1 : 0;
  Priority lowest = kForeground;
  for (const WaitingJob& job : plan.start) lowest = std::max(lowest, job.priority);
  bool slice_runs = false;
  for (const auto& [id, turn] : active) {
    if (turn.priority == kForeground) continue;
    ++taken;
    lowest = std::max(lowest, turn.priority);
    ++shares[{turn.priority, turn.owner}];
    if (turn.since + kSlice <= kNow) movable.emplace_back(turn.priority, turn.owner);
    for (const auto& [other, job] : waiting) {
      slice_runs = slice_runs || (job.priority == turn.priority && turn.since + kSlice > kNow);
    }
  }
  EXPECT_LE(taken, policy.background_slots);
  for (const auto& [id, job] : waiting) {
    EXPECT_NE(job.priority, kForeground);
    EXPECT_EQ(taken, policy.background_slots) << id << " waits beside a free slot";
    EXPECT_GE(job.priority, lowest) << id << " waits while a lower one runs";
    for (const auto& [priority, owner] : movable) {
      if (priority != job.priority) continue;
      const int share = shares[{job.priority, job.owner}];
      EXPECT_LE((shares[{priority, owner}]), share + 1)
          << owner << " was given or left a slot that is the turn of " << job.owner;
    }
  }
  EXPECT_EQ(plan.look_again != absl::InfiniteFuture(), slice_runs);
  // Nobody gives way to nobody.
  for (const auto& job : plan.put_back) {
    const auto turn = std::find_if(turns.begin(), turns.end(),
                                   [&](const ActiveTurn& t) { return t.id == job.id; });
    size_t holders = 0;
    for (const ActiveTurn& t : turns) holders += t.priority != kForeground ? 1 : 0;
    if (job.slice_over) {
      EXPECT_TRUE(started.contains(turn->priority));
    } else if (holders <= policy.background_slots) {
      EXPECT_TRUE(std::any_of(started.begin(), started.end(), [&](Priority p) {
        return p != kForeground && p < turn->priority;
      }));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomPlans, ::testing::Range(0, 2000));

// A queue carried on for hours, the store's part played by a few lists.
TEST(TurnsTest, OneJobOfAnOwnerIsNotStarvedByTheThousandsOfAnother) {
  std::map<std::string, std::vector<std::string>> queues;
  for (int i = 0; i < 2000; ++i) queues["greedy"].push_back(absl::StrCat("g", i));
  for (int i = 0; i < 50; ++i) queues["modest"].push_back(absl::StrCat("m", i));
  std::vector<ActiveTurn> active;
  std::map<std::string, absl::Duration> ran;
  absl::Time now = kNow;
  const TurnPolicy policy{4, kSlice};
  std::string last;
  for (int step = 0; step < 200; ++step) {
    while (true) {
      std::vector<WaitingJob> waiting;
      for (const bool wrapped : {false, true}) {
        for (const auto& [owner, queue] : queues) {
          if ((owner <= last) == wrapped && !queue.empty()) {
            waiting.push_back(Waiting(queue.front(), owner));
          }
        }
      }
      const TurnPlan plan = PlanTurns(active, waiting, policy, now);
      for (const auto& job : plan.put_back) {
        ASSERT_TRUE(job.slice_over);
        const auto it = std::find_if(active.begin(), active.end(),
                                     [&](const ActiveTurn& t) { return t.id == job.id; });
        ran[it->owner] += now - it->since;
        queues[it->owner].push_back(it->id);
        active.erase(it);
      }
      for (const WaitingJob& job : plan.start) {
        queues[job.owner].erase(queues[job.owner].begin());
        active.push_back({job.id, job.owner, job.priority, now});
        last = job.owner;
      }
      if (plan.start.empty()) {
        ASSERT_NE(plan.look_again, absl::InfiniteFuture());
        now = plan.look_again;
        break;
      }
    }
  }
  // Each had half of the time, although one had forty times the jobs.
  EXPECT_GT(ran["modest"], absl::Hours(20));
  EXPECT_NEAR(absl::FDivDuration(ran["modest"], ran["greedy"]), 1.0, 0.05);
}

}  // namespace
}  // namespace bits::domain
