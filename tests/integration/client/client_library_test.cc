// The C++ client against the real bitsd.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "bits/client.h"
#include "tests/integration/client/bitsctl_run.h"

namespace bits::testing {
namespace {

class ClientIntegrationTest : public BitsctlTest {
 protected:
  void SetUp() override {
    BitsctlTest::SetUp();
    client_.emplace(MakeConnection(bitsd_->address()).value());
  }

  absl::StatusOr<v1::Job> Create(const std::string& display_name) {
    v1::CreateJobRequest request;
    request.mutable_job()->set_display_name(display_name);
    return client_->CreateJob(request);
  }

  std::optional<Client> client_;
};

TEST_F(ClientIntegrationTest, AWatchGoesOnWithoutLossAcrossAServersDeath) {
  ASSERT_TRUE(Create("before").ok());
  const auto session = client_->WatchJobs({});
  while (true) {
    const auto next = session->Next();
    ASSERT_TRUE(next.ok()) << next.status();
    if (next->event.type() == v1::JobEvent::TYPE_SNAPSHOT_END) break;
  }
  ASSERT_TRUE(Create("between").ok());
  bitsd_->Kill();
  ASSERT_TRUE(bitsd_->Restart().ok());
  ASSERT_TRUE(Create("after").ok());
  std::vector<std::string> created;
  while (created.empty() || created.back() != "after") {
    const auto next = session->Next();
    ASSERT_TRUE(next.ok()) << next.status();
    EXPECT_FALSE(next->restarted);
    if (next->event.type() == v1::JobEvent::TYPE_CREATED) {
      created.push_back(next->event.job().display_name());
    }
  }
  EXPECT_THAT(created, ::testing::ElementsAre("between", "after"));
}

TEST_F(ClientIntegrationTest, AFilterForJobsLetsOnlyThesePass) {
  const auto first = Create("first");
  const auto second = Create("second");
  const auto third = Create("third");
  ASSERT_TRUE(first.ok() && second.ok() && third.ok());
  v1::ListJobsRequest request;
  request.set_filter(FilterForJobs({*first, *third}));
  std::vector<std::string> names;
  ASSERT_TRUE(client_
                  ->ForEachJob(request,
                               [&names](const v1::Job& job) {
                                 names.push_back(job.display_name());
                                 return true;
                               })
                  .ok());
  EXPECT_THAT(names, ::testing::ElementsAre("first", "third"));
}

TEST_F(ClientIntegrationTest, ACallWaitsForAServerThatComesBack) {
  const auto job = Create("one");
  ASSERT_TRUE(job.ok()) << job.status();
  bitsd_->Kill();
  std::thread restart([this] { EXPECT_TRUE(bitsd_->Restart().ok()); });
  const auto cancelled = client_->CancelJob(job->name());
  restart.join();
  EXPECT_TRUE(cancelled.ok()) << cancelled.status();
}

TEST_F(ClientIntegrationTest, ARepeatOfARequestMakesOneJob) {
  v1::CreateJobRequest request;
  request.mutable_job()->set_display_name("once");
  request.set_request_id("6f1ed002-ab5d-4a58-9bb9-9a1c8e7d5f00");
  const auto first = client_->CreateJob(request);
  const auto second = client_->CreateJob(request);
  ASSERT_TRUE(first.ok() && second.ok()) << first.status() << second.status();
  EXPECT_EQ(first->name(), second->name());
  request.mutable_job()->set_display_name("twice");
  EXPECT_EQ(GetErrorReason(client_->CreateJob(request).status()), "REQUEST_ID_REUSED");
}

TEST_F(ClientIntegrationTest, ContentIsReadOnAcrossAServersDeath) {
  const std::string content = MakeContent(64'000'000, 1);
  origin_->Put("/large", content);
  ASSERT_EQ(Run({"transfer", origin_->Url("/large")}).code, 0);
  const std::string name = OnlyJob(true).name() + "/files/1";
  std::string got;
  bool killed = false;
  const absl::Status status =
      client_->ReadContent(name, 10, [&](std::string_view piece) -> absl::Status {
        got.append(piece);
        if (!std::exchange(killed, true)) {
          bitsd_->Kill();
          EXPECT_TRUE(bitsd_->Restart().ok());
        }
        return absl::OkStatus();
      });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_TRUE(got == content.substr(10));
  const absl::Status ended = client_->ReadContent(
      name, 0, [](std::string_view) { return absl::DataLossError("enough"); });
  EXPECT_EQ(ended, absl::DataLossError("enough"));
}

}  // namespace
}  // namespace bits::testing
