// An origin dies with thousands of jobs queued against it: they wait, one probes, the others' go on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tests/conformance/harness/world.h"
#include "tests/fault/scheduling/mortal_origin.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using v1::Job;

constexpr int kSlots = 8;
constexpr char kConfig[] = "policy { background_slots: 8 maximum_probe_interval { seconds: 2 } }";
constexpr absl::Duration kProbeInterval = absl::Seconds(2);
constexpr absl::Duration kLong = absl::Minutes(5);

int JobCount() {
  const char* value = std::getenv("BITS_TORTURE");
  return value != nullptr && std::string_view(value) == "full" ? 10'000 : 500;
}

class OriginDeath : public ::testing::Test {
 protected:
  std::string Create(const std::string& url) {
    return world_.bitsd.Create({.files = {{url}}, .priority = Job::PRIORITY_NORMAL});
  }
  // A turn of one of these jobs begins, and so a connection is tried.
  static bool IsTry(const v1::JobEvent& event, const std::set<std::string>& jobs) {
    return event.type() == v1::JobEvent::TYPE_STATE_CHANGED &&
           event.job().state() == Job::STATE_CONNECTING && jobs.contains(event.job().name());
  }
  int TurnsOf(const std::set<std::string>& jobs) {
    int turns = 0;
    for (const v1::JobEvent& event : world_.bitsd.watch().Events()) turns += IsTry(event, jobs);
    return turns;
  }
  // Until so many have begun in all.
  absl::Status AwaitTurnsOf(const std::set<std::string>& jobs, int turns) {
    std::set<std::string> seen;
    return world_.bitsd.watch()
        .AwaitEvent(
            [&](const v1::JobEvent& event) {
              if (IsTry(event, jobs)) seen.insert(event.job().name() + event.job().etag());
              return static_cast<int>(seen.size()) >= turns;
            },
            kLong)
        .status();
  }

  World world_{{.config = kConfig}};
  MortalOrigin origin_;
};

TEST_F(OriginDeath, IsNoStormStopsNobodyElseAndIsOverWithinOneProbeInterval) {
  const int count = JobCount();
  origin_.Live(/*silent=*/true);
  std::vector<std::string> jobs;
  for (int i = 0; i < count; ++i) jobs.push_back(Create(origin_.Url()));
  const std::set<std::string> ours(jobs.begin(), jobs.end());
  for (int i = 0; i < kSlots; ++i) {
    BITS_ASSERT_OK(world_.bitsd.Await(jobs[static_cast<size_t>(i)], Job::STATE_CONNECTING));
  }
  const int before = TurnsOf(ours);
  EXPECT_EQ(before, kSlots);

  const absl::Time died = absl::Now();
  origin_.Die();
  // Those under way fail, then as many as have slots may try before the first of them has failed.
  for (int i = 0; i < kSlots; ++i) {
    BITS_ASSERT_OK(world_.bitsd.Await(jobs[static_cast<size_t>(i)], Job::STATE_TRANSIENT_ERROR));
  }
  // The other host's jobs go on at once, behind thousands in the queue.
  std::vector<std::string> others;
  for (int i = 0; i < 50; ++i) others.push_back(Create(world_.Serve("content")));
  for (const std::string& job : others) {
    BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED));
  }
  const absl::Duration others_took = absl::Now() - died;
  // Whoever waits says what for.
  const Reply<Job> waiting = world_.bitsd.Get(jobs.back());
  EXPECT_EQ(waiting->state(), Job::STATE_QUEUED);
  EXPECT_EQ(waiting->wait().reason(), v1::Wait::REASON_HOST);
  EXPECT_TRUE(waiting->wait().has_until());

  // Five more probes come and fail, and nobody else tries.
  const int first_wave = TurnsOf(ours) - before;
  EXPECT_LE(first_wave, 2 * kSlots);
  BITS_ASSERT_OK(AwaitTurnsOf(ours, before + first_wave + 5));
  const absl::Duration dead = absl::Now() - died;
  const int tries = TurnsOf(ours) - before;
  const double seconds = absl::ToDoubleSeconds(dead);
  EXPECT_LE(tries, 2 * kSlots + static_cast<int>(seconds) + 1);

  const absl::Time revived = absl::Now();
  origin_.Live();
  const auto first = world_.bitsd.watch().AwaitEvent(
      [&](const v1::JobEvent& event) {
        return event.job().state() == Job::STATE_TRANSFERRED && ours.contains(event.job().name());
      },
      kLong);
  BITS_ASSERT_OK(first);
  const absl::Duration recovery = absl::Now() - revived;
  EXPECT_LE(recovery, kProbeInterval + absl::Seconds(2));
  // Those that had failed are queued at once, though their retry is due in ten minutes only.
  for (const std::string& job : jobs) {
    BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED, kLong));
  }
  const absl::Duration all = absl::Now() - revived;
  std::printf(
      "%d jobs: dead for %.1f s, %d connections tried in that time (%d of them before the first "
      "had failed), %.2f a second; 50 jobs of another host done after %.2f s; back after %.2f s, "
      "all done after %.1f s\n",
      count, seconds, tries, first_wave, tries / seconds, absl::ToDoubleSeconds(others_took),
      absl::ToDoubleSeconds(recovery), absl::ToDoubleSeconds(all));
}

}  // namespace
}  // namespace bits::testing
