// The order in which a thousand jobs of ten owners begin, from the event log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using v1::Job;

constexpr int kJobs = 1000;
constexpr int kOwners = 10;

TEST(OrderOfStarts, OfAThousandJobsOfTenOwnersIsAsTheRulesSay) {
  World world({.config = "policy { background_slots: 1 }", .flags = {"--development_principals"}});
  v1::WatchJobsRequest everything;
  everything.set_all_owners(true);
  Watch watch(&world.bitsd.jobs(), everything);
  const auto create = [&](const std::string& owner, const JobSpec& spec) {
    const v1::CreateJobRequest request = world.bitsd.RequestFor(spec);
    const Reply<Job> job = TestBitsd::Call<Job>([&](auto* context, auto* reply) {
      context->AddMetadata("x-bits-principal", owner);
      return world.bitsd.jobs().CreateJob(context, request, reply);
    });
    EXPECT_THAT(job, Accepted());
    return job->name();
  };
  // Keeps the slot until all are there.
  const std::string holder = create(
      "owner-4", {.files = {{world.ServeSilence()}}, .priority = Job::PRIORITY_HIGH});
  BITS_ASSERT_OK(watch.Await(holder, Job::STATE_CONNECTING));

  // Owner 0 has as many jobs as all others together.
  std::mt19937 random(7);
  const std::string url = world.Serve("content");
  constexpr std::array kPriorities = {Job::PRIORITY_HIGH, Job::PRIORITY_NORMAL, Job::PRIORITY_LOW};
  std::map<Job::Priority, std::map<std::string, std::deque<std::string>>> queues;
  for (int i = 0; i < kJobs; ++i) {
    const auto n = random() % 2 == 0 ? 0 : 1 + random() % (kOwners - 1);
    const std::string owner = absl::StrCat("owner-", n);
    const Job::Priority priority = kPriorities[random() % kPriorities.size()];
    queues[priority][owner].push_back(
        create(owner, {.files = {{url}}, .priority = priority}));
  }

  // What the rules say: by priority, round by owner from behind the one that had the last turn of
  // that priority, each owner's in the order of waiting.
  std::vector<std::string> expected;
  for (const Job::Priority priority : kPriorities) {
    auto& owners = queues[priority];
    std::string last = priority == Job::PRIORITY_HIGH ? "owner-4" : "";
    while (!owners.empty()) {
      auto next = owners.upper_bound(last);
      if (next == owners.end()) next = owners.begin();
      last = next->first;
      expected.push_back(next->second.front());
      next->second.pop_front();
      if (next->second.empty()) owners.erase(next);
    }
  }
  ASSERT_EQ(expected.size(), static_cast<size_t>(kJobs));

  BITS_ASSERT_ACCEPTED(world.bitsd.Cancel(holder));
  const absl::Time begun = absl::Now();
  for (const std::string& job : expected) {
    BITS_ASSERT_OK(watch.Await(job, Job::STATE_TRANSFERRED, absl::Minutes(5)));
  }
  std::vector<std::string> order;
  int active = 0;
  for (const v1::JobEvent& event : watch.Events()) {
    if (!TellsState(event) || event.job().name() == holder) continue;
    if (event.job().state() == Job::STATE_CONNECTING) {
      order.push_back(event.job().name());
      EXPECT_EQ(++active, 1);
    }
    if (event.job().state() == Job::STATE_TRANSFERRED) --active;
  }
  EXPECT_EQ(order, expected);
  std::printf("%d jobs of %d owners began in the order of the rules, in %.1f s\n", kJobs, kOwners,
              absl::ToDoubleSeconds(absl::Now() - begun));
}

}  // namespace
}  // namespace bits::testing
