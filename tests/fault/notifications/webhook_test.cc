// Webhooks against a receiver that fails, stalls, answers late or dies mid-request, with bitsd killed
// between: each is told at least once, in order for each job, rightly signed.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "bits/v1/notification_service.grpc.pb.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"
#include "tests/support/webhook_receiver.h"

namespace bits::testing {
namespace {

using How = WebhookAnswer::How;
using v1::Job;

constexpr int kJobs = 10;
constexpr int kFiles = 8;
constexpr int kKills = 8;
constexpr absl::Duration kLong = absl::Minutes(2);
constexpr char kSecret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr char kConfig[] =
    "notifications { max_tries: 1000 retry_delay { nanos: 20000000 } timeout { nanos: 400000000 } }";

// Of a `webhook-id`.
struct Id {
  std::string job;
  uint64_t number = 0;
};
Id IdOf(const ReceivedWebhook& webhook) {
  const std::string text = webhook.id();
  const size_t dash = text.rfind('-');
  Id id;
  id.job = "jobs/" + text.substr(0, dash);
  EXPECT_TRUE(absl::SimpleAtoi(text.substr(dash + 1), &id.number)) << text;
  return id;
}

class WebhookFault : public ::testing::Test {
 protected:
  // One in three is taken.
  WebhookAnswer Chaos() {
    switch (random_() % 9) {
      case 0:
        return {.status = 500, .body = 100};
      case 1:
        return {.status = 503, .headers = {"Retry-After: 0"}};
      case 2:
        return {.how = How::kStall};
      case 3:
        return {.how = How::kLate};
      case 4:
        return {.how = How::kDie};
      case 5:
        return {.how = How::kDieInRequest};
      case 6:
        return {.status = 200, .body = 300'000};  // more than is read
      default:
        return {};
    }
  }
  std::string CreateJob() {
    JobSpec spec;
    for (int i = 0; i < kFiles; ++i) spec.files.push_back({world_.Serve(absl::StrCat("file ", i))});
    spec.parallel_files = 1;
    v1::CreateJobRequest request = world_.bitsd.RequestFor(spec);
    v1::NotificationOptions& options = *request.mutable_job()->mutable_notifications();
    for (const v1::NotifyFlag flag :
         {v1::NOTIFY_FLAG_JOB_TRANSFERRED, v1::NOTIFY_FLAG_JOB_ERROR,
          v1::NOTIFY_FLAG_FILE_TRANSFERRED, v1::NOTIFY_FLAG_JOB_MODIFICATION}) {
      options.add_flags(flag);
    }
    options.mutable_webhook()->set_uri(receiver_.Url());
    options.mutable_webhook()->set_secret(kSecret);
    const auto created = world_.bitsd.CreateJob(request);
    EXPECT_THAT(created, Accepted());
    return created->name();
  }
  int Waiting(const std::string& job) {
    const auto stub = v1::NotificationService::NewStub(world_.bitsd.process().channel());
    v1::ListNotificationsRequest request;
    request.set_parent(job);
    const auto listed = TestBitsd::Call<v1::ListNotificationsResponse>(
        [&](auto* c, auto* r) { return stub->ListNotifications(c, request, r); });
    EXPECT_THAT(listed, Accepted());
    return listed->notifications_size();
  }

  // Keys on disk, so that secrets survive the kills.
  static TestBitsd::Options Options(const std::string& key_file) {
    WriteFile(key_file, std::string(32, 'k'));
    EXPECT_EQ(::chmod(key_file.c_str(), 0600), 0);
    return {.config = kConfig, .flags = {"--secrets_key_file=" + key_file}};
  }

  std::mt19937 random_{20261122};
  WebhookReceiver receiver_;
  TempDir keys_;
  World world_{Options(keys_ / "key")};
};

TEST_F(WebhookFault, EachIsToldAtLeastOnceInOrderAndSigned) {
  receiver_.SetAnswer([this] { return Chaos(); });
  std::vector<std::string> jobs;
  for (int i = 0; i < kJobs; ++i) jobs.push_back(CreateJob());
  size_t seen = 0;
  for (int kill = 0; kill < kKills; ++kill) {
    // Between two of them, wherever bitsd is then.
    seen = receiver_.Received().size();
    ASSERT_TRUE(receiver_.WaitFor(seen + 5, kLong));
    world_.bitsd.Kill();
    world_.bitsd.Restart();
  }
  for (const std::string& job : jobs) {
    BITS_ASSERT_OK(world_.bitsd.Await(job, Job::STATE_TRANSFERRED, kLong));
  }
  receiver_.SetAnswer([] { return WebhookAnswer(); });
  // The last one of each job, and then until that is recorded.
  const absl::Time deadline = absl::Now() + kLong;
  size_t count = receiver_.Received().size();
  for (const std::string& job : jobs) {
    while (Waiting(job) > 0 && absl::Now() < deadline) {
      (void)receiver_.WaitFor(++count, absl::Milliseconds(200));
    }
    EXPECT_EQ(Waiting(job), 0);
  }

  std::map<std::string, std::vector<uint64_t>> numbers;  // by job, as they came
  std::map<std::string, std::string> bodies;             // by id
  const std::vector<ReceivedWebhook> received = receiver_.Received();
  for (const ReceivedWebhook& webhook : received) {
    EXPECT_TRUE(webhook.IsSignedWith(kSecret)) << webhook.id();
    const auto [first, is_new] = bodies.emplace(webhook.id(), webhook.body);
    EXPECT_EQ(first->second, webhook.body) << "the same at each try";
    numbers[IdOf(webhook).job].push_back(IdOf(webhook).number);
  }
  size_t told = 0;
  for (const std::string& job : jobs) {
    const std::vector<uint64_t>& came = numbers[job];
    ASSERT_FALSE(came.empty());
    EXPECT_TRUE(std::is_sorted(came.begin(), came.end())) << ::testing::PrintToString(came);
    const std::set<uint64_t> each(came.begin(), came.end());
    EXPECT_EQ(*each.begin(), 1u);
    EXPECT_EQ(*each.rbegin(), each.size()) << "none is missing";
    told += each.size();
    int files = 0;
    const std::string id = job.substr(5);
    for (const uint64_t number : each) {
      const std::string& body = bodies.at(absl::StrCat(id, "-", number));
      files += absl::StrContains(body, "bits.v1.file.transferred") ? 1 : 0;
    }
    EXPECT_EQ(files, kFiles);
    EXPECT_TRUE(absl::StrContains(bodies.at(absl::StrCat(id, "-", each.size())),
                                  "bits.v1.job.transferred"))
        << "the last one";
  }
  std::printf("%d jobs, %d kills: %zu notifications, told %zu times\n", kJobs, kKills, told,
              received.size());
}

}  // namespace
}  // namespace bits::testing
