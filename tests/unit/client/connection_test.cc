#include "bits/connection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "bits/client.h"
#include "tests/unit/client/fake_bitsd.h"

namespace bits {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::FakeBitsd;
using testing::FakeHandlers;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

ConnectionOptions Quick() {
  ConnectionOptions options;
  options.retry.initial_backoff = std::chrono::milliseconds(1);
  options.retry.max_backoff = std::chrono::milliseconds(5);
  return options;
}

Client Connect(const std::string& address, const ConnectionOptions& options = Quick()) {
  return Client(MakeConnection(address, options).value());
}

grpc::Status Away() { return {grpc::StatusCode::UNAVAILABLE, "starting"}; }

// Refuses the first `refusals` calls with UNAVAILABLE; notes every request.
template <typename Request, typename Response>
FakeHandlers::Handler<Request, Response> Flaky(int refusals, std::vector<Request>& seen) {
  return [refusals, &seen](const Request& request, Response&) {
    seen.push_back(request);
    return static_cast<int>(seen.size()) <= refusals ? Away() : grpc::Status::OK;
  };
}

TEST(ConnectionTest, AllTriesOfAMutationShareOneRequestId) {
  std::vector<v1::CreateJobRequest> seen;
  FakeHandlers handlers;
  handlers.create_job = Flaky<v1::CreateJobRequest, v1::Job>(2, seen);
  FakeBitsd server(std::move(handlers));

  const auto job = Connect(server.address()).CreateJob({});
  ASSERT_TRUE(job.ok()) << job.status();
  ASSERT_THAT(seen, SizeIs(3));
  EXPECT_THAT(seen[0].request_id(), SizeIs(36));
  EXPECT_EQ(seen[1].request_id(), seen[0].request_id());
  EXPECT_EQ(seen[2].request_id(), seen[0].request_id());
}

TEST(ConnectionTest, EveryMutationOfEveryKindHasItsOwnRequestId) {
  std::set<std::string> ids;
  const auto note = [&ids](const auto& request, auto&) {
    EXPECT_TRUE(ids.insert(request.request_id()).second);
    EXPECT_EQ(request.request_id().size(), 36U);
    return grpc::Status::OK;
  };
  FakeHandlers handlers;
  handlers.create_job = note;
  handlers.update_job = note;
  handlers.add_files = note;
  handlers.update_file = note;
  handlers.resume_job = note;
  handlers.suspend_job = note;
  handlers.cancel_job = note;
  handlers.take_ownership = note;
  handlers.complete_job = note;
  FakeBitsd server(std::move(handlers));
  const Client client = Connect(server.address());

  EXPECT_TRUE(client.CreateJob({}).ok());
  EXPECT_TRUE(client.UpdateJob({}).ok());
  EXPECT_TRUE(client.AddFiles({}).ok());
  EXPECT_TRUE(client.SetRemoteName("jobs/1/files/1", "http://origin.example/").ok());
  EXPECT_TRUE(client.ResumeJob("jobs/1").ok());
  EXPECT_TRUE(client.SuspendJob("jobs/1").ok());
  EXPECT_TRUE(client.CancelJob("jobs/1").ok());
  EXPECT_TRUE(client.TakeOwnership("jobs/1").ok());
  EXPECT_TRUE(client.CompleteJob("jobs/1").ok());
  EXPECT_TRUE(client.CompleteJob("jobs/1").ok());
  EXPECT_THAT(ids, SizeIs(10));
}

TEST(ConnectionTest, TheCallersRequestIdIsKept) {
  std::vector<v1::CancelJobRequest> seen;
  FakeHandlers handlers;
  handlers.cancel_job = Flaky<v1::CancelJobRequest, v1::Job>(1, seen);
  FakeBitsd server(std::move(handlers));
  v1::CancelJobRequest request;
  request.set_name("jobs/1");
  request.set_request_id("mine");
  ASSERT_TRUE(Connect(server.address()).connection().CancelJob(request, {}).ok());
  ASSERT_THAT(seen, SizeIs(2));
  EXPECT_EQ(seen[0].request_id(), "mine");
  EXPECT_EQ(seen[1].request_id(), "mine");
}

TEST(ConnectionTest, ARefusalIsNotTriedAgainAndSaysWhy) {
  int calls = 0;
  FakeHandlers handlers;
  handlers.resume_job = [&calls](const v1::ResumeJobRequest&, v1::Job&) {
    ++calls;
    return testing::Refusal(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_EMPTY",
                            "The job has no files.", {{"hresult", "0x80200003"}});
  };
  FakeBitsd server(std::move(handlers));
  const auto job = Connect(server.address()).ResumeJob("jobs/1");
  EXPECT_EQ(job.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(GetErrorReason(job.status()), "BG_E_EMPTY");
  EXPECT_EQ(GetHresult(job.status()), 0x80200003U);
  EXPECT_EQ(calls, 1);
}

TEST(ConnectionTest, AServerThatComesBackIsFoundAgain) {
  FakeHandlers handlers;
  handlers.get_job = [](const v1::GetJobRequest& request, v1::Job& job) {
    job.set_name(request.name());
    return grpc::Status::OK;
  };
  FakeBitsd server(std::move(handlers));
  const Client client = Connect(server.address());
  ASSERT_TRUE(client.GetJob("jobs/1").ok());
  server.Stop();
  ConnectionOptions once = Quick();
  once.retry.max_elapsed = std::chrono::milliseconds(0);
  EXPECT_EQ(Connect(server.address(), once).GetJob("jobs/1").status().code(),
            absl::StatusCode::kUnavailable);
  std::thread restart([&server] { server.Start(); });
  const auto job = client.GetJob("jobs/2");
  restart.join();
  ASSERT_TRUE(job.ok()) << job.status();
  EXPECT_EQ(job->name(), "jobs/2");
}

TEST(ConnectionTest, ACallEndsAtItsDeadline) {
  std::mutex held;
  FakeHandlers handlers;
  handlers.get_job = [&held](const v1::GetJobRequest&, v1::Job&) {
    const std::lock_guard wait(held);
    return grpc::Status::OK;
  };
  FakeBitsd server(std::move(handlers));
  CallOptions options;
  options.timeout = std::chrono::milliseconds(50);
  const std::unique_lock hold(held);
  EXPECT_EQ(Connect(server.address()).GetJob("jobs/1", options).status().code(),
            absl::StatusCode::kDeadlineExceeded);
}

TEST(ConnectionTest, MetadataAndUserAgentAreSent) {
  std::vector<std::string> agents;
  std::vector<std::string> tokens;
  FakeHandlers handlers;
  handlers.on_call = [&](const grpc::ServerContextBase& context) {
    for (const auto& [key, value] : context.client_metadata()) {
      if (key == "user-agent") agents.emplace_back(value.data(), value.size());
      if (key == "x-trace") tokens.emplace_back(value.data(), value.size());
    }
  };
  handlers.get_job = [](const v1::GetJobRequest&, v1::Job&) { return grpc::Status::OK; };
  handlers.watch_jobs = [](const v1::WatchJobsRequest&, testing::FakeWatch&) {
    return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "no");
  };
  FakeBitsd server(std::move(handlers));
  ConnectionOptions options = Quick();
  options.metadata = {{"x-trace", "abc"}};
  options.user_agent = "nightly/7";
  const Client client = Connect(server.address(), options);
  ASSERT_TRUE(client.GetJob("jobs/1").ok());
  EXPECT_FALSE(client.WatchJobs({})->Next().ok());
  EXPECT_THAT(tokens, ElementsAre("abc", "abc"));
  EXPECT_THAT(agents, AllOf(SizeIs(2), Each(StartsWith("nightly/7 bits-cpp/"))));
}

TEST(ConnectionTest, AWrongAddressIsSaidAtOnce) {
  EXPECT_EQ(MakeConnection("nowhere").status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ClientTest, ForEachJobReadsEveryPageOrStopsWhenTold) {
  std::vector<std::string> tokens;
  FakeHandlers handlers;
  handlers.list_jobs = [&tokens](const v1::ListJobsRequest& request,
                                 v1::ListJobsResponse& response) {
    tokens.push_back(request.page_token());
    EXPECT_EQ(request.filter(), "state = STATE_ERROR");
    const int page = request.page_token().empty() ? 0 : std::stoi(request.page_token());
    // The second page is empty, as a page may be before the end.
    if (page != 1) response.add_jobs()->set_name("jobs/" + std::to_string(page));
    if (page < 3) response.set_next_page_token(std::to_string(page + 1));
    return grpc::Status::OK;
  };
  FakeBitsd server(std::move(handlers));
  const Client client = Connect(server.address());
  v1::ListJobsRequest request;
  request.set_filter("state = STATE_ERROR");

  std::vector<std::string> names;
  const auto collect = [&names](const v1::Job& job) {
    names.push_back(job.name());
    return names.size() != 5;
  };
  EXPECT_TRUE(client.ForEachJob(request, collect).ok());
  EXPECT_THAT(names, ElementsAre("jobs/0", "jobs/2", "jobs/3"));
  EXPECT_THAT(tokens, ElementsAre("", "1", "2", "3"));

  tokens.clear();
  EXPECT_TRUE(client.ForEachJob(request, collect).ok());
  EXPECT_THAT(names, SizeIs(5));
  EXPECT_THAT(tokens, SizeIs(3));
}

TEST(FilterForJobsTest, NamesTheCreateTimes) {
  std::vector<v1::Job> jobs(2);
  jobs[0].mutable_create_time()->set_seconds(1'700'000'000);
  jobs[0].mutable_create_time()->set_nanos(123'456'789);
  jobs[1].mutable_create_time()->set_seconds(1'700'000'001);
  EXPECT_EQ(FilterForJobs({}), "");
  EXPECT_EQ(FilterForJobs(jobs),
            "create_time = \"2023-11-14T22:13:20.123456789Z\" OR "
            "create_time = \"2023-11-14T22:13:21Z\"");
}

TEST(FilterForJobsTest, StaysWithinTheBoundOfAFilter) {
  std::vector<v1::Job> jobs(1'000);
  for (int i = 0; i < 1'000; ++i) jobs[i].mutable_create_time()->set_seconds(1'700'000'999 - i);
  EXPECT_EQ(FilterForJobs(jobs),
            "create_time >= \"2023-11-14T22:13:20Z\" AND create_time <= \"2023-11-14T22:29:59Z\"");
  jobs.resize(32);
  for (auto& job : jobs) job.mutable_create_time()->set_nanos(123'456'789);
  EXPECT_LE(FilterForJobs(jobs).size(), 2'048U);
  EXPECT_THAT(FilterForJobs(jobs), Not(HasSubstr(">=")));
}

}  // namespace
}  // namespace bits
