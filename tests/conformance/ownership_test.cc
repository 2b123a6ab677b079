// Whose a job is: who sees and touches it, and TakeOwnership. Callers name themselves, by
// --development_principals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tests/conformance/harness/world.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using v1::Job;

constexpr char kNoJob[] = "jobs/00000000-0000-4000-8000-000000000000";

struct Caller {
  std::string name;
  bool administrator = false;
};
const Caller kAnna{"anna"};
const Caller kBert{"bert"};
const Caller kRoot{"root", true};

// Call<Job>(kAnna, [&](auto* context, auto* reply) { .. }).
template <typename T, typename F>
Reply<T> Call(const Caller& caller, const F& call) {
  return TestBitsd::Call<T>([&](grpc::ClientContext* context, T* reply) {
    context->AddMetadata("x-bits-principal", caller.name);
    if (caller.administrator) context->AddMetadata("x-bits-administrator", "true");
    return call(context, reply);
  });
}

class OwnershipTest : public ::testing::Test {
 protected:
  v1::JobService::Stub& jobs() { return bitsd_.jobs(); }
  v1::ErrorService::Stub& errors() { return bitsd_.errors(); }

  std::string Create(const Caller& caller, const std::string& display_name = "test") {
    v1::CreateJobRequest request =
        bitsd_.RequestFor({.files = {{"http://127.0.0.1:1/x"}}, .start = false,
                           .display_name = display_name});
    const auto reply = Call<Job>(
        caller, [&](auto* c, auto* r) { return jobs().CreateJob(c, request, r); });
    EXPECT_THAT(reply, Accepted());
    return reply->name();
  }
  Reply<Job> Get(const Caller& caller, const std::string& name) {
    v1::GetJobRequest request;
    request.set_name(name);
    return Call<Job>(caller, [&](auto* c, auto* r) { return jobs().GetJob(c, request, r); });
  }
  Reply<Job> Take(const Caller& caller, const std::string& name) {
    v1::TakeOwnershipRequest request;
    request.set_name(name);
    return Call<Job>(caller,
                     [&](auto* c, auto* r) { return jobs().TakeOwnership(c, request, r); });
  }
  Reply<Job> Cancel(const Caller& caller, const std::string& name) {
    v1::CancelJobRequest request;
    request.set_name(name);
    return Call<Job>(caller, [&](auto* c, auto* r) { return jobs().CancelJob(c, request, r); });
  }
  Reply<v1::ListJobsResponse> List(const Caller& caller, bool all_owners) {
    v1::ListJobsRequest request;
    request.set_all_owners(all_owners);
    return Call<v1::ListJobsResponse>(
        caller, [&](auto* c, auto* r) { return jobs().ListJobs(c, request, r); });
  }
  std::vector<std::string> Names(const Caller& caller, bool all_owners) {
    const auto reply = List(caller, all_owners);
    EXPECT_THAT(reply, Accepted());
    std::vector<std::string> names;
    for (const Job& job : reply->jobs()) names.push_back(job.display_name());
    return names;
  }
  // What `caller` is answered by each method that names the job.
  std::vector<grpc::Status> EveryMethod(const Caller& caller, const std::string& name) {
    std::vector<grpc::Status> all;
    const auto verb = [&](auto request, auto method) {
      request.set_name(name);
      all.push_back(Call<Job>(caller, [&](auto* c, auto* r) {
                      return (jobs().*method)(c, request, r);
                    }).status);
    };
    using Stub = v1::JobService::Stub;
    verb(v1::GetJobRequest(), &Stub::GetJob);
    verb(v1::ResumeJobRequest(), &Stub::ResumeJob);
    verb(v1::SuspendJobRequest(), &Stub::SuspendJob);
    verb(v1::CancelJobRequest(), &Stub::CancelJob);
    verb(v1::CompleteJobRequest(), &Stub::CompleteJob);
    v1::SetCredentialsRequest credentials;
    credentials.set_target(v1::AUTH_TARGET_SERVER);
    credentials.set_scheme(v1::AUTH_SCHEME_BASIC);
    credentials.set_user_name("user");
    credentials.set_password("password");
    verb(credentials, &Stub::SetCredentials);
    v1::RemoveCredentialsRequest remove;
    remove.set_name(name);
    remove.set_target(v1::AUTH_TARGET_SERVER);
    remove.set_scheme(v1::AUTH_SCHEME_BASIC);
    all.push_back(Call<v1::RemoveCredentialsResponse>(caller, [&](auto* c, auto* r) {
                    return jobs().RemoveCredentials(c, remove, r);
                  }).status);
    v1::UpdateJobRequest update;
    update.mutable_job()->set_name(name);
    update.mutable_job()->set_description("changed");
    all.push_back(Call<Job>(caller, [&](auto* c, auto* r) {
                    return jobs().UpdateJob(c, update, r);
                  }).status);
    v1::AddFilesRequest add;
    add.set_parent(name);
    *add.add_files() = FileOf("http://127.0.0.1:1/y", "strangers");
    all.push_back(Call<v1::AddFilesResponse>(caller, [&](auto* c, auto* r) {
                    return jobs().AddFiles(c, add, r);
                  }).status);
    v1::GetFileRequest get_file;
    get_file.set_name(name + "/files/1");
    all.push_back(Call<v1::File>(caller, [&](auto* c, auto* r) {
                    return jobs().GetFile(c, get_file, r);
                  }).status);
    v1::ListFilesRequest files;
    files.set_parent(name);
    all.push_back(Call<v1::ListFilesResponse>(caller, [&](auto* c, auto* r) {
                    return jobs().ListFiles(c, files, r);
                  }).status);
    v1::UpdateFileRequest update_file;
    update_file.mutable_file()->set_name(name + "/files/1");
    update_file.mutable_file()->set_remote_name("http://127.0.0.1:1/z");
    all.push_back(Call<v1::File>(caller, [&](auto* c, auto* r) {
                    return jobs().UpdateFile(c, update_file, r);
                  }).status);
    v1::GetErrorRequest error;
    error.set_job(name);
    all.push_back(Call<v1::Error>(caller, [&](auto* c, auto* r) {
                    return errors().GetError(c, error, r);
                  }).status);
    v1::ListErrorsRequest history;
    history.set_parent(name);
    all.push_back(Call<v1::ListErrorsResponse>(caller, [&](auto* c, auto* r) {
                    return errors().ListErrors(c, history, r);
                  }).status);
    return all;
  }

  TestBitsd bitsd_{{.flags = {"--development_principals"}}};
};

using Access = OwnershipTest;
using TakeOwnership = OwnershipTest;

TEST_F(Access, StrangersLearnNothingOfAJobByAnyMethod) {
  const std::string job = Create(kAnna);
  const std::string etag = Get(kAnna, job)->etag();
  const std::vector<grpc::Status> theirs = EveryMethod(kBert, job);
  const std::vector<grpc::Status> none = EveryMethod(kBert, kNoJob);
  ASSERT_EQ(theirs.size(), none.size());
  const auto denied = Refused(grpc::StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED");
  EXPECT_THAT(theirs, Each(denied));
  EXPECT_THAT(none, Each(denied));
  EXPECT_EQ(Get(kAnna, job)->etag(), etag) << "and nothing was changed";
}

TEST_F(Access, AdministratorsSeeAndTouchEveryJob) {
  const std::string job = Create(kAnna);
  const auto seen = Get(kRoot, job);
  BITS_ASSERT_ACCEPTED(seen);
  EXPECT_EQ(seen->owner(), "anna");
  BITS_EXPECT_ACCEPTED(Cancel(kRoot, job));
  EXPECT_THAT(Get(kRoot, kNoJob), Refused(grpc::StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));
}

// An administrator who could would have the owner's secrets sent to a server of their own.
TEST_F(Access, OnlyTheOwnerDecidesToWhomAJobShowsItsSecrets) {
  const std::string job = Create(kAnna);
  v1::UpdateFileRequest file;
  file.mutable_file()->set_name(job + "/files/1");
  const auto set_remote = [&](const Caller& caller, const std::string& url) {
    file.mutable_file()->set_remote_name(url);
    return Call<v1::File>(caller, [&](auto* c, auto* r) { return jobs().UpdateFile(c, file, r); });
  };
  v1::ReplaceRemotePrefixRequest prefix;
  prefix.set_name(job);
  prefix.set_old_prefix("http://127.0.0.1:1/");
  prefix.set_new_prefix("http://127.0.0.1:3/");
  const auto replace = [&](const Caller& caller) {
    return Call<v1::ReplaceRemotePrefixResponse>(
        caller, [&](auto* c, auto* r) { return jobs().ReplaceRemotePrefix(c, prefix, r); });
  };
  v1::UpdateJobRequest update;
  update.mutable_job()->set_name(job);
  const auto set = [&](const Caller& caller) {
    return Call<Job>(caller, [&](auto* c, auto* r) { return jobs().UpdateJob(c, update, r); });
  };
  EXPECT_THAT(set_remote(kRoot, "http://127.0.0.1:1/y"), Accepted()) << "there is no secret yet";

  v1::SetCredentialsRequest credentials;
  credentials.set_name(job);
  credentials.set_target(v1::AUTH_TARGET_SERVER);
  credentials.set_scheme(v1::AUTH_SCHEME_BASIC);
  credentials.set_user_name("user");
  credentials.set_password("password");
  EXPECT_THAT(Call<Job>(kAnna, [&](auto* c, auto* r) {
                return jobs().SetCredentials(c, credentials, r);
              }),
              Accepted());
  const auto denied = Refused(grpc::StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED");
  EXPECT_THAT(set_remote(kRoot, "http://127.0.0.1:2/"), denied);
  EXPECT_THAT(replace(kRoot), denied);
  v1::AddFilesRequest more;
  more.set_parent(job);
  *more.add_files() = FileOf("http://127.0.0.1:2/", "of-the-administrators-choice");
  EXPECT_THAT(Call<v1::AddFilesResponse>(
                  kRoot, [&](auto* c, auto* r) { return jobs().AddFiles(c, more, r); }),
              denied);
  update.mutable_job()->mutable_proxy_settings()->set_usage(v1::ProxySettings::USAGE_NONE);
  EXPECT_THAT(set(kRoot), denied);
  update.mutable_job()->clear_proxy_settings();
  update.mutable_job()
      ->mutable_http_options()
      ->mutable_certificate_checks()
      ->set_ignore_unknown_authority(true);
  EXPECT_THAT(set(kRoot), denied);
  update.mutable_job()->clear_http_options();
  update.mutable_job()->set_description("an administrator's");
  EXPECT_THAT(set(kRoot), Accepted());
  EXPECT_THAT(replace(kAnna), Accepted());
  EXPECT_THAT(set_remote(kAnna, "http://127.0.0.1:2/"), Accepted());
  // Having taken it they may: it has no secrets any more.
  EXPECT_THAT(Take(kRoot, job), Accepted());
  EXPECT_THAT(set_remote(kRoot, "http://127.0.0.1:3/"), Accepted());
}

TEST_F(Access, EnumerationOfAllOwnersIsAnAdministrators) {
  Create(kAnna, "annas");
  Create(kBert, "berts");
  Create(kRoot, "roots");
  EXPECT_THAT(Names(kAnna, false), ElementsAre("annas"));
  EXPECT_THAT(Names(kRoot, false), ElementsAre("roots"));
  EXPECT_THAT(Names(kRoot, true), UnorderedElementsAre("annas", "berts", "roots"));
  EXPECT_THAT(List(kAnna, true),
              Refused(grpc::StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
}

TEST_F(Access, WatchesTellOfOnesOwnJobsOnly) {
  Create(kAnna, "annas");
  Create(kBert, "berts");
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + kPatience));
  context.AddMetadata("x-bits-principal", "bert");
  const auto stream = jobs().WatchJobs(&context, {});
  v1::JobEvent event;
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(event.job().display_name(), "berts");
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(event.type(), v1::JobEvent::TYPE_SNAPSHOT_END);
  Create(kAnna, "annas2");
  Create(kBert, "berts2");
  ASSERT_TRUE(stream->Read(&event));
  EXPECT_EQ(event.job().display_name(), "berts2");
  context.TryCancel();
}

TEST_F(TakeOwnership, IsAnAdministrators) {
  const std::string job = Create(kAnna);
  const auto denied = Refused(grpc::StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED");
  EXPECT_THAT(Take(kBert, job), denied);
  EXPECT_THAT(Take(kAnna, job), denied);  // nor the owner's
  EXPECT_EQ(Get(kAnna, job)->owner(), "anna");
  EXPECT_THAT(Take(kRoot, kNoJob), Refused(grpc::StatusCode::NOT_FOUND, "BG_E_NOT_FOUND"));
}

TEST_F(TakeOwnership, ChangesTheOwnerAndNothingElse) {
  const std::string job = Create(kAnna);
  const auto before = Get(kAnna, job);
  const auto taken = Take(kRoot, job);
  BITS_ASSERT_ACCEPTED(taken);
  EXPECT_EQ(taken->owner(), "root");
  EXPECT_EQ(taken->state(), before->state());
  EXPECT_EQ(taken->display_name(), before->display_name());
  EXPECT_EQ(taken->progress().files_total(), 1u);
  EXPECT_NE(taken->etag(), before->etag());
  EXPECT_THAT(Get(kAnna, job), Refused(grpc::StatusCode::PERMISSION_DENIED, "E_ACCESSDENIED"));
  EXPECT_THAT(Names(kAnna, false), IsEmpty());
  EXPECT_THAT(Names(kRoot, false), ElementsAre("test"));
  bitsd_.Kill();
  bitsd_.Restart();
  EXPECT_EQ(Get(kRoot, job)->owner(), "root");
}

TEST_F(OwnershipTest, JobThatHasADestinationIsNamedToWhomMaySeeIt) {
  const std::string job = Create(kAnna);
  v1::ListFilesRequest list;
  list.set_parent(job);
  const auto files = Call<v1::ListFilesResponse>(
      kAnna, [&](auto* c, auto* r) { return jobs().ListFiles(c, list, r); });
  BITS_ASSERT_ACCEPTED(files);
  v1::CreateJobRequest request = bitsd_.RequestFor(
      {.files = {{"http://127.0.0.1:1/x", files->files(0).local_name()}}, .start = false});
  for (const Caller& caller : {kAnna, kBert, kRoot}) {
    const auto refused =
        Call<Job>(caller, [&](auto* c, auto* r) { return jobs().CreateJob(c, request, r); });
    EXPECT_THAT(refused, Refused(grpc::StatusCode::ALREADY_EXISTS, "ERROR_SHARING_VIOLATION"));
    const bool told = caller.name != kBert.name;
    EXPECT_EQ(RefusalOf(refused.status).metadata["job"], told ? job.substr(5) : "") << caller.name;
    EXPECT_EQ(refused.status.error_message().find(job.substr(5)) != std::string::npos, told);
  }
}

TEST_F(TakeOwnership, OfAFinalJobIsRefused) {
  const std::string job = Create(kAnna);
  BITS_ASSERT_ACCEPTED(Cancel(kAnna, job));
  EXPECT_THAT(Take(kRoot, job),
              Refused(grpc::StatusCode::FAILED_PRECONDITION, "BG_E_INVALID_STATE"));
}

}  // namespace
}  // namespace bits::testing
