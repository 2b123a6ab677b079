// PolicyService, and what each limit refuses.
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "bits/v1/policy_service.grpc.pb.h"
#include "tests/conformance/harness/world.h"

namespace bits::testing {
namespace {

using grpc::StatusCode;
using v1::Job;
using v1::Policy;

constexpr char kOwners[] = "development_principals: true ";

// A bitsd whose callers say who they are, and its policy.
class Policed {
 public:
  explicit Policed(const std::string& config = "") : world({.config = kOwners + config}) {}

  v1::PolicyService::Stub Service() { return v1::PolicyService::Stub(world.bitsd.process().channel()); }

  // A call of `principal`; empty: of the administrator.
  template <typename T>
  static Reply<T> As(const std::string& principal,
                     const std::function<grpc::Status(grpc::ClientContext*, T*)>& call) {
    return TestBitsd::Call<T>([&](grpc::ClientContext* context, T* reply) {
      if (!principal.empty()) context->AddMetadata("x-bits-principal", principal);
      return call(context, reply);
    });
  }

  Reply<Policy> Get(const std::string& principal = "") {
    v1::PolicyService::Stub service = Service();
    return As<Policy>(principal, [&](auto* context, auto* reply) {
      return service.GetPolicy(context, v1::GetPolicyRequest(), reply);
    });
  }
  // `request`: a text proto of UpdatePolicyRequest.
  Reply<Policy> Update(const std::string& request, const std::string& principal = "") {
    v1::UpdatePolicyRequest parsed;
    EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(request, &parsed)) << request;
    v1::PolicyService::Stub service = Service();
    return As<Policy>(principal, [&](auto* context, auto* reply) {
      return service.UpdatePolicy(context, parsed, reply);
    });
  }
  Reply<Job> Create(const std::string& principal, const JobSpec& spec) {
    const v1::CreateJobRequest request = world.bitsd.RequestFor(spec);
    return As<Job>(principal, [&](auto* context, auto* reply) {
      return world.bitsd.jobs().CreateJob(context, request, reply);
    });
  }
  Reply<Job> CreateEmpty(const std::string& principal) {
    return Create(principal, {.start = false});
  }
  Reply<v1::AddFilesResponse> AddFiles(const std::string& principal, const std::string& job,
                                       int count) {
    v1::AddFilesRequest request;
    request.set_parent(job);
    for (int i = 0; i < count; ++i) {
      *request.add_files() = FileOf("http://127.0.0.1:1/x", "added-" + std::to_string(++added_));
    }
    return As<v1::AddFilesResponse>(principal, [&](auto* context, auto* reply) {
      return world.bitsd.jobs().AddFiles(context, request, reply);
    });
  }

  World world;

 private:
  int added_ = 0;
};

TEST(Policies, AreAnAdministratorsAlone) {
  Policed policed;
  EXPECT_THAT(policed.Get("anna"), Refused(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
  EXPECT_THAT(policed.Update("policy { max_jobs: 1 }", "anna"),
              Refused(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
  EXPECT_THAT(policed.Update("policy { max_jobs: 0 }", "anna"),
              Refused(StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
  BITS_EXPECT_ACCEPTED(policed.Get());
}

TEST(Policies, DefaultsAreBitsOrAServers) {
  Policed policed;
  const auto policy = policed.Get();
  BITS_ASSERT_ACCEPTED(policy);
  EXPECT_EQ(policy->name(), "policy");
  EXPECT_EQ(policy->max_ranges_per_file(), 500u);
  EXPECT_EQ(policy->job_inactivity_timeout().seconds(), 90 * 86400);
  EXPECT_EQ(policy->default_maximum_download_time().seconds(), 7'776'000);
  EXPECT_GE(policy->max_jobs(), 1'000'000u);
  EXPECT_EQ(policy->written_fields().paths_size(), 0);
  EXPECT_EQ(policy->file_fields().paths_size(), 0);
}

TEST(Policies, WrittenOnesWinOverTheFileSurviveAKillAndCanBeGivenBack) {
  Policed policed("policy { max_jobs: 10 max_files_per_job: 20 }");
  auto policy = policed.Update("policy { max_jobs: 5 }");
  BITS_ASSERT_ACCEPTED(policy);
  EXPECT_EQ(policy->max_jobs(), 5u);
  EXPECT_EQ(policy->max_files_per_job(), 20u);
  EXPECT_EQ(policy->written_fields().ShortDebugString(), "paths: \"max_jobs\"");
  policed.world.bitsd.Kill();
  policed.world.bitsd.Restart();
  policy = policed.Get();
  BITS_ASSERT_ACCEPTED(policy);
  EXPECT_EQ(policy->max_jobs(), 5u);
  policy = policed.Update("update_mask { paths: \"max_jobs\" }");
  BITS_ASSERT_ACCEPTED(policy);
  EXPECT_EQ(policy->max_jobs(), 10u);
  EXPECT_EQ(policy->file_fields().paths_size(), 2);
}

TEST(Policies, WrongOnesAreRefusedAndChangeNothing) {
  Policed policed;
  const auto before = policed.Get();
  EXPECT_THAT(policed.Update("policy { max_jobs: 7 max_files_per_job: 0 }"),
              RefusedField("policy.max_files_per_job", "E_INVALIDARG"));
  EXPECT_THAT(policed.Update("policy { job_inactivity_timeout { seconds: 86313601 } }"),
              RefusedField("policy.job_inactivity_timeout", "E_INVALIDARG"));
  EXPECT_THAT(policed.Update("update_mask { paths: \"written_fields\" }"),
              RefusedField("update_mask", "E_INVALIDARG"));
  EXPECT_THAT(policed.Update("policy { max_jobs: 7 etag: \"\\\"17\\\"\" }"),
              Refused(StatusCode::ABORTED, "ETAG_MISMATCH"));
  EXPECT_EQ(policed.Get()->DebugString(), before->DebugString());
}

TEST(JobLimits, OfAnOwner) {
  Policed policed("policy { max_jobs_per_owner: 2 }");
  const auto first = policed.CreateEmpty("anna");
  BITS_ASSERT_ACCEPTED(first);
  EXPECT_EQ(first->owner(), "anna");
  BITS_ASSERT_ACCEPTED(policed.CreateEmpty("anna"));
  EXPECT_THAT(policed.CreateEmpty("anna"),
              Refused(StatusCode::RESOURCE_EXHAUSTED, "BG_E_TOO_MANY_JOBS_PER_USER"));
  BITS_EXPECT_ACCEPTED(policed.CreateEmpty("bert"));
  BITS_ASSERT_ACCEPTED(policed.world.bitsd.Cancel(first->name()));  // by the administrator
  BITS_EXPECT_ACCEPTED(policed.CreateEmpty("anna"));
  BITS_ASSERT_ACCEPTED(policed.Update("policy { max_jobs_per_owner: 3 }"));  // at once
  BITS_EXPECT_ACCEPTED(policed.CreateEmpty("anna"));
  BITS_ASSERT_ACCEPTED(policed.Update("policy { max_jobs_per_owner: 1 }"));  // those there stay
  EXPECT_THAT(policed.CreateEmpty("anna"),
              Refused(StatusCode::RESOURCE_EXHAUSTED, "BG_E_TOO_MANY_JOBS_PER_USER"));
}

TEST(JobLimits, OfTheMachine) {
  Policed policed("policy { max_jobs: 2 }");
  BITS_ASSERT_ACCEPTED(policed.CreateEmpty("anna"));
  BITS_ASSERT_ACCEPTED(policed.CreateEmpty("bert"));
  EXPECT_THAT(policed.CreateEmpty("carl"),
              Refused(StatusCode::RESOURCE_EXHAUSTED, "BG_E_TOO_MANY_JOBS_PER_MACHINE"));
}

TEST(JobLimits, DoNotHoldForAdministrators) {
  Policed policed("policy { max_jobs: 1 max_jobs_per_owner: 1 max_files_per_job: 1 }");
  BITS_ASSERT_ACCEPTED(policed.CreateEmpty(""));
  const auto job = policed.CreateEmpty("");
  BITS_ASSERT_ACCEPTED(job);
  BITS_EXPECT_ACCEPTED(policed.AddFiles("", job->name(), 2));
}

TEST(JobLimits, HoldForCallsAtOnce) {
  Policed policed("policy { max_jobs_per_owner: 5 }");
  std::atomic<int> accepted = 0;
  std::atomic<int> refused = 0;
  std::vector<std::thread> threads;
  v1::CreateJobRequest request;
  request.mutable_job()->set_display_name("at once");
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) {
        const auto reply = Policed::As<Job>("anna", [&](auto* context, auto* job) {
          return policed.world.bitsd.jobs().CreateJob(context, request, job);
        });
        reply.ok() ? ++accepted : ++refused;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(accepted, 5);
  EXPECT_EQ(refused, 35);
}

TEST(FileLimit, OfAJob) {
  Policed policed("policy { max_files_per_job: 2 }");
  const std::vector<FileSpec> three = {
      {"http://127.0.0.1:1/1"}, {"http://127.0.0.1:1/2"}, {"http://127.0.0.1:1/3"}};
  EXPECT_THAT(policed.Create("anna", {.files = three, .start = false}),
              Refused(StatusCode::FAILED_PRECONDITION, "BG_E_TOO_MANY_FILES_IN_JOB"));
  const auto job = policed.Create("anna", {.files = {three[0]}, .start = false});
  BITS_ASSERT_ACCEPTED(job);
  EXPECT_THAT(policed.AddFiles("anna", job->name(), 2),
              Refused(StatusCode::FAILED_PRECONDITION, "BG_E_TOO_MANY_FILES_IN_JOB"));
  EXPECT_EQ(policed.world.bitsd.Get(job->name())->progress().files_total(), 1u);
  BITS_EXPECT_ACCEPTED(policed.AddFiles("anna", job->name(), 1));
}

TEST(DownloadTimePolicy, IsTheDefaultOfJobsThatDoNotSay) {
  Policed policed("policy { default_maximum_download_time { seconds: 100 } }");
  EXPECT_EQ(policed.CreateEmpty("anna")->maximum_download_time().seconds(), 100);
  EXPECT_EQ(policed.Create("anna", {.start = false, .maximum_download_time = absl::Seconds(200)})
                ->maximum_download_time()
                .seconds(),
            200);
}

TEST(DownloadTimePolicy, LongestIsTheMostThatAJobMayAskFor) {
  Policed policed("policy { longest_maximum_download_time { seconds: 100 } }");
  EXPECT_EQ(policed.CreateEmpty("anna")->maximum_download_time().seconds(), 100);
  for (const absl::Duration time : {absl::Seconds(101), absl::ZeroDuration()}) {
    EXPECT_THAT(policed.Create("anna", {.start = false, .maximum_download_time = time}),
                RefusedField("job.maximum_download_time", "E_INVALIDARG"));
  }
  BITS_EXPECT_ACCEPTED(
      policed.Create("", {.start = false, .maximum_download_time = absl::Seconds(101)}));
}

TEST(InactivityPolicy, HoldsForJobsThatWereThereBeforeItWasChanged) {
  Policed policed;
  const std::string job = policed.world.bitsd.Create({.start = false});
  BITS_ASSERT_ACCEPTED(policed.Update("policy { job_inactivity_timeout { seconds: 1 } }"));
  EXPECT_TRUE(policed.world.bitsd.Await(job, Job::STATE_CANCELLED).ok());
}

TEST(RetentionPolicy, HoldsForJobsThatWereFinalBeforeItWasChanged) {
  Policed policed;
  TestBitsd& bitsd = policed.world.bitsd;
  const std::string job = bitsd.Create({.start = false});
  BITS_ASSERT_ACCEPTED(bitsd.Cancel(job));
  BITS_ASSERT_ACCEPTED(policed.Update("policy { tombstone_retention {} }"));
  const auto gone = bitsd.watch().AwaitEvent([&](const v1::JobEvent& event) {
    return event.type() == v1::JobEvent::TYPE_DELETED && event.job().name() == job;
  });
  EXPECT_TRUE(gone.ok()) << gone.status();
}

TEST(MaxRangesPerFile, OneMoreIsTooManyAndNotForAdministrators) {
  Policed policed;
  FileSpec file{.url = "http://127.0.0.1:1/x"};
  for (uint64_t i = 0; i < 500; ++i) file.ranges.emplace_back(i * 10, 5);
  const auto create = [&](const std::string& principal) {
    return policed.Create(principal, {.files = {file}, .start = false});
  };
  EXPECT_THAT(create("alice"), Accepted());
  file.ranges.emplace_back(5000, std::nullopt);
  EXPECT_THAT(create("alice"), RefusedField("files[0].ranges", "BG_E_TOO_MANY_RANGES_IN_FILE"));
  EXPECT_THAT(create(""), Accepted());
  ASSERT_THAT(policed.Update("policy { max_ranges_per_file: 501 } "
                             "update_mask { paths: 'max_ranges_per_file' }"),
              Accepted());
  EXPECT_THAT(create("alice"), Accepted());
}

}  // namespace
}  // namespace bits::testing
