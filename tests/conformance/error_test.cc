// bits.md 2.1 and 2.2: the error object, what it tells, how long it is kept; the error count.
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "absl/time/clock.h"
#include "tests/conformance/harness/world.h"
#include "tests/support/listener.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using google::protobuf::util::MessageDifferencer;
using v1::Job;

constexpr uint32_t kHttp404 = 0x80190194;

auto NoError() {
  return Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_ERROR_INFORMATION_UNAVAILABLE");
}

// Gives the first file of a job in ERROR another remote name and resumes the job.
void MendAndResume(TestBitsd& bitsd, const std::string& job, const std::string& url) {
  BITS_ASSERT_ACCEPTED(bitsd.SetRemoteName(job, 1, url));
  BITS_ASSERT_ACCEPTED(bitsd.Resume(job));
}

TEST(GetError, TellsCodeContextTextsFileAndOrigin) {
  World& world = SharedWorld();
  const std::string url = world.ServeStatus(404);
  const absl::Time before = absl::Now();
  const std::string job =
      world.bitsd.Create({.files = {{world.Serve("right")}, {url, "error-file"}}});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  BITS_ASSERT_ACCEPTED(error);
  EXPECT_EQ(error->hresult(), kHttp404);
  EXPECT_EQ(error->code(), "BG_E_HTTP_ERROR_404");
  EXPECT_EQ(error->context(), v1::ERROR_CONTEXT_REMOTE_FILE);
  EXPECT_NE(error->description(), "");
  EXPECT_NE(error->context_description(), "");
  EXPECT_EQ(error->file(), job + "/files/2");
  EXPECT_EQ(error->remote_name(), url);
  EXPECT_EQ(error->local_name(), "error-file");
  EXPECT_EQ(error->protocol(), "http");
  EXPECT_EQ(error->http_status(), 404u);
  EXPECT_FALSE(error->transient());
  EXPECT_EQ(error->attempt(), 1u);
  EXPECT_FALSE(error->has_retry_time());
  EXPECT_GE(TimeOf(error->occur_time()), before - absl::Seconds(5));
  EXPECT_LE(TimeOf(error->occur_time()), absl::Now() + absl::Seconds(5));
}

TEST(GetError, IsThereInTransientErrorWithTheTimeOfTheNextTry) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Create(
      {.files = {{world.ServeStatus(503)}}, .retry_delay = absl::Seconds(100)});
  BITS_ASSERT_OK_AND_ASSIGN(const Job failed,
                            world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  BITS_ASSERT_ACCEPTED(error);
  EXPECT_EQ(error->code(), "BG_E_HTTP_ERROR_503");
  EXPECT_TRUE(error->transient());
  EXPECT_EQ(TimeOf(error->retry_time()), TimeOf(error->occur_time()) + absl::Seconds(100));
  EXPECT_EQ(failed.wait().reason(), v1::Wait::REASON_RETRY);
  EXPECT_EQ(TimeOf(failed.wait().until()), TimeOf(error->retry_time()));
}

TEST(GetError, NoFileAndNoProtocolWhereNoneIsConcerned) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Create(
      {.files = {{world.ServeSilence()}}, .maximum_download_time = absl::Milliseconds(100)});
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  BITS_ASSERT_ACCEPTED(error);
  EXPECT_EQ(error->context(), v1::ERROR_CONTEXT_GENERAL_QUEUE_MANAGER);
  EXPECT_EQ(error->file(), "");
  EXPECT_EQ(error->remote_name(), "");
  EXPECT_EQ(error->local_name(), "");
  EXPECT_EQ(error->protocol(), "");
}

TEST(GetError, IsRefusedBeforeAnyError) {
  World& world = SharedWorld();
  for (Job::State state : {Job::STATE_SUSPENDED, Job::STATE_CONNECTING, Job::STATE_TRANSFERRING,
                           Job::STATE_TRANSFERRED}) {
    BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(state));
    EXPECT_THAT(world.bitsd.GetError(job), NoError()) << NamesOf({state});
  }
}

TEST(GetError, RefusedCallMakesNoError) {
  World& world = SharedWorld();
  const std::string job = world.bitsd.Create({.start = false});
  EXPECT_THAT(world.bitsd.Resume(job), ::testing::Not(Accepted()));
  EXPECT_THAT(world.bitsd.AddFile(job, {"ftp://h/x"}), ::testing::Not(Accepted()));
  EXPECT_THAT(world.bitsd.GetError(job), NoError());
  EXPECT_EQ(world.bitsd.ListErrors(job)->errors_size(), 0);
}

TEST(ErrorLifetime, IsKeptInQueued) {
  World& world = SharedWorld();
  BITS_ASSERT_OK(world.JobIn(Job::STATE_QUEUED));  // the background slot is taken
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_ERROR));
  const Reply<v1::Error> before = world.bitsd.GetError(job);
  v1::UpdateJobRequest request;
  request.mutable_job()->set_name(job);
  request.mutable_job()->set_priority(Job::PRIORITY_NORMAL);
  BITS_ASSERT_ACCEPTED(world.bitsd.Update(request));
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  ASSERT_EQ(world.bitsd.Get(job)->state(), Job::STATE_QUEUED);
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  BITS_ASSERT_ACCEPTED(error);
  EXPECT_TRUE(MessageDifferencer::Equals(*error, *before));
}

TEST(ErrorLifetime, IsKeptInConnecting) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_ERROR));
  const Reply<v1::Error> before = world.bitsd.GetError(job);
  MendAndResume(world.bitsd, job, world.ServeSilence());
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_CONNECTING));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  BITS_ASSERT_ACCEPTED(error);
  EXPECT_TRUE(MessageDifferencer::Equals(*error, *before));
}

TEST(ErrorLifetime, IsKeptInSuspended) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_TRANSIENT_ERROR));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(job));
  ASSERT_EQ(world.bitsd.Get(job)->state(), Job::STATE_SUSPENDED);
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  BITS_ASSERT_ACCEPTED(error);
  EXPECT_EQ(error->code(), "BG_E_HTTP_ERROR_503");
}

TEST(ErrorLifetime, IsGoneOnceTheJobTransfersAgain) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_ERROR));
  MendAndResume(world.bitsd, job, world.ServeStall());
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRING));
  EXPECT_THAT(world.bitsd.GetError(job), NoError());
}

TEST(ErrorLifetime, IsGoneInTransferred) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_ERROR));
  MendAndResume(world.bitsd, job, world.Serve("content"));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_THAT(world.bitsd.GetError(job), NoError());
}

TEST(ErrorLifetime, TheNextErrorTakesItsPlace) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_ERROR));
  MendAndResume(world.bitsd, job, world.ServeStatus(403));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  const Reply<v1::Error> error = world.bitsd.GetError(job);
  EXPECT_EQ(error->code(), "BG_E_HTTP_ERROR_403");
  EXPECT_EQ(error->attempt(), 2u);
}

TEST(ErrorLifetime, IsKeptAcrossRestartsOfTheServer) {
  World world;
  std::vector<std::pair<std::string, Reply<v1::Error>>> errors;
  BITS_ASSERT_OK_AND_ASSIGN(const std::string error, world.JobIn(Job::STATE_ERROR));
  BITS_ASSERT_OK_AND_ASSIGN(const std::string transient, world.JobIn(Job::STATE_TRANSIENT_ERROR));
  BITS_ASSERT_OK_AND_ASSIGN(const std::string suspended, world.JobIn(Job::STATE_TRANSIENT_ERROR));
  BITS_ASSERT_ACCEPTED(world.bitsd.Suspend(suspended));
  BITS_ASSERT_OK_AND_ASSIGN(const std::string connecting, world.JobIn(Job::STATE_ERROR));
  MendAndResume(world.bitsd, connecting, world.ServeSilence());
  BITS_ASSERT_OK(world.bitsd.Await(connecting, Job::STATE_CONNECTING));
  for (const std::string& job : {error, transient, suspended, connecting}) {
    errors.emplace_back(job, world.bitsd.GetError(job));
    BITS_ASSERT_ACCEPTED(errors.back().second);
  }
  world.bitsd.Kill();
  world.bitsd.Restart();
  BITS_ASSERT_OK(world.bitsd.Stop());
  world.bitsd.Restart();
  for (const auto& [job, before] : errors) {
    const Reply<v1::Error> after = world.bitsd.GetError(job);
    BITS_ASSERT_ACCEPTED(after);
    EXPECT_TRUE(MessageDifferencer::Equals(*after, *before))
        << after->ShortDebugString() << " was " << before->ShortDebugString();
  }
}

TEST(ErrorEvent, CarriesTheErrorThatGetErrorGives) {
  World& world = SharedWorld();
  for (Job::State state : {Job::STATE_ERROR, Job::STATE_TRANSIENT_ERROR}) {
    BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(state));
    const Reply<v1::Error> error = world.bitsd.GetError(job);
    int events = 0;
    for (const v1::JobEvent& event : world.bitsd.watch().EventsOf(job)) {
      if (!event.has_error()) continue;
      ++events;
      EXPECT_EQ(event.type(), v1::JobEvent::TYPE_STATE_CHANGED);
      EXPECT_EQ(event.job().state(), state);
      EXPECT_TRUE(MessageDifferencer::Equals(event.error(), *error));
    }
    EXPECT_EQ(events, 1);
  }
}

TEST(ErrorCount, ConnectFailureBeforeTransferringDoesNotCountItsRetryDoes) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const Listener dead, ReserveDeadPort());
  const std::string job =
      world.bitsd.Fetch("http://127.0.0.1:" + std::to_string(dead.port) + "/x");
  BITS_ASSERT_OK_AND_ASSIGN(Job failed, world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  EXPECT_EQ(failed.error_count(), 0u);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK_AND_ASSIGN(failed, world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  EXPECT_EQ(failed.error_count(), 1u);
}

TEST(ErrorCount, InterruptedTransfersCountAndNothingResetsIt) {
  World& world = SharedWorld();
  const std::string path = world.Put(MakeContent(30'000, 1));
  world.origin->Script(path, {{.cut_after = 10'000}, {.status = 404}});
  const std::string job = world.bitsd.Fetch(world.Url(path));
  BITS_ASSERT_OK_AND_ASSIGN(Job failed, world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  EXPECT_EQ(failed.error_count(), 1u);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK_AND_ASSIGN(failed, world.bitsd.Await(job, Job::STATE_ERROR));
  EXPECT_EQ(failed.error_count(), 2u);
  BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
  BITS_ASSERT_OK_AND_ASSIGN(const Job done, world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  EXPECT_EQ(done.error_count(), 2u);
}

TEST(ListErrors, KeepsEveryAttemptAfterTheJobMovesOn) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_ERROR));
  const Reply<v1::Error> first = world.bitsd.GetError(job);
  MendAndResume(world.bitsd, job, world.ServeStatus(503));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSIENT_ERROR));
  MendAndResume(world.bitsd, job, world.Serve("content"));
  BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_TRANSFERRED));
  BITS_ASSERT_ACCEPTED(world.bitsd.Complete(job));
  const Reply<v1::ListErrorsResponse> all = world.bitsd.ListErrors(job);
  BITS_ASSERT_ACCEPTED(all);
  ASSERT_EQ(all->errors_size(), 2);
  // What a client was given is a value: it is still so.
  EXPECT_TRUE(MessageDifferencer::Equals(all->errors(0), *first));
  EXPECT_EQ(all->errors(1).code(), "BG_E_HTTP_ERROR_503");
  EXPECT_EQ(all->total_count(), 2u);
}

TEST(ListErrors, IsBoundedToTheFirstAndTheLastAndCountsAll) {
  World& world = SharedWorld();
  constexpr int kErrors = 103;
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_ERROR));
  for (int i = 1; i < kErrors; ++i) {
    if (i == 50) {
      BITS_ASSERT_ACCEPTED(world.bitsd.SetRemoteName(job, 1, world.ServeStatus(403)));
    }
    BITS_ASSERT_ACCEPTED(world.bitsd.Resume(job));
    BITS_ASSERT_OK(world.bitsd.Await(job, Job::STATE_ERROR));
  }
  const Reply<v1::ListErrorsResponse> all = world.bitsd.ListErrors(job);
  BITS_ASSERT_ACCEPTED(all);
  ASSERT_EQ(all->errors_size(), 100);
  EXPECT_EQ(all->errors(9).attempt(), 10u);
  EXPECT_EQ(all->errors(10).attempt(), 14u);  // 11 to 13 are gone
  EXPECT_EQ(all->errors(99).attempt(), 103u);
  EXPECT_EQ(all->total_count(), 103u);
  ASSERT_EQ(all->counts_size(), 2);
  EXPECT_EQ(all->counts(0).code(), "BG_E_HTTP_ERROR_403");
  EXPECT_EQ(all->counts(0).count(), 53u);
  EXPECT_EQ(all->counts(1).code(), "BG_E_HTTP_ERROR_404");
  EXPECT_EQ(all->counts(1).hresult(), kHttp404);
  EXPECT_EQ(all->counts(1).count(), 50u);
}

TEST(ErrorLanguage, EnglishAndGermanAreThereAnythingElseIsRefused) {
  World& world = SharedWorld();
  BITS_ASSERT_OK_AND_ASSIGN(const std::string job, world.JobIn(Job::STATE_ERROR));
  const auto english = world.bitsd.GetError(job);
  BITS_ASSERT_ACCEPTED(english);
  for (const char* code : {"en", "en-GB"}) {
    const auto again = world.bitsd.GetError(job, code);
    BITS_ASSERT_ACCEPTED(again);
    EXPECT_EQ(again->description(), english->description());
  }
  const auto german = world.bitsd.GetError(job, "de-AT");
  BITS_ASSERT_ACCEPTED(german);
  EXPECT_EQ(german->code(), english->code());
  EXPECT_NE(german->description(), english->description());
  EXPECT_NE(german->context_description(), english->context_description());
  EXPECT_EQ(world.bitsd.DescribeError(kHttp404, "de")->description(),
            "HTTP 404: Der Server hat keine solche Datei.");
  EXPECT_EQ(world.bitsd.DescribeError(kHttp404, "")->description(),
            world.bitsd.DescribeError(kHttp404, "en")->description());
  const auto no_language =
      Refused(grpc::StatusCode::FAILED_PRECONDITION, "ERROR_RESOURCE_LANG_NOT_FOUND");
  EXPECT_THAT(world.bitsd.GetError(job, "fr"), no_language);
  EXPECT_THAT(world.bitsd.DescribeError(kHttp404, "nl-BE"), no_language);
  EXPECT_THAT(world.bitsd.GetError(job, "not a language"),
              RefusedField("language_code", "E_INVALIDARG"));
}

TEST(DescribeError, KnowsTheCodesOfBitsAndRefusesOthers) {
  TestBitsd& bitsd = SharedWorld().bitsd;
  for (const auto& [hresult, code] : std::vector<std::pair<uint32_t, std::string>>{
           {0x80200002, "BG_E_INVALID_STATE"},
           {0x80200049, "BG_E_TOO_MANY_JOBS_PER_USER"},
           {0x80200050, "BG_E_TOO_MANY_JOBS_PER_MACHINE"},
           {0x80200073, "BG_E_REMOTE_FILE_CHANGED"},
           {0x00200017, "BG_S_PARTIAL_COMPLETE"},
           {0x0020001A, "BG_S_UNABLE_TO_DELETE_FILES"},
           {0x80190194, "BG_E_HTTP_ERROR_404"},
           {0x801901F7, "BG_E_HTTP_ERROR_503"},
           {0x80072EE7, "ERROR_WINHTTP_NAME_NOT_RESOLVED"},
           {0x80070057, "E_INVALIDARG"}}) {
    const auto reply = bitsd.DescribeError(hresult);
    BITS_ASSERT_ACCEPTED(reply);
    EXPECT_EQ(reply->code(), code);
    EXPECT_NE(reply->description(), "");
  }
  EXPECT_THAT(bitsd.DescribeError(0x8020FFFF),
              Refused(grpc::StatusCode::NOT_FOUND, "ERROR_MR_MID_NOT_FOUND"));
}

}  // namespace
}  // namespace bits::testing
