#include "client/cli/job_ref.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client/cli_fixture.h"

namespace bits::cli {
namespace {

using bits::testing::IdOf;
using bits::testing::MakeJob;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

TEST(JobNameFromTest, AWholeNameInAnyCase) {
  const std::string id = "1f2e3d4c-5b6a-4988-8776-abcdef012345";
  EXPECT_EQ(JobNameFrom(id), "jobs/" + id);
  EXPECT_EQ(JobNameFrom("jobs/" + id), "jobs/" + id);
  EXPECT_EQ(JobNameFrom("1F2E3D4C-5B6A-4988-8776-ABCDEF012345"), "jobs/" + id);
  const std::vector<std::string> wrong = {"1f2e3d4c",
                                          id + "0",
                                          "jobs/",
                                          "jobs/1f2e3d4c",
                                          "1f2e3d4c-5b6a-4988-8776-abcdef01234g",
                                          "1f2e3d4c05b6a-4988-8776-abcdef012345",
                                          "files/" + id};
  for (const auto& text : wrong) {
    EXPECT_EQ(JobNameFrom(text), std::nullopt) << text;
  }
}

TEST(IsIdPrefixTest, FourToThirtySixDigitsOrDashes) {
  for (const char* text : {"1f2e", "1F2E3D4C", "1f2e3d4c-5b6a-"}) EXPECT_TRUE(IsIdPrefix(text));
  for (const char* text : {"", "1f2", "nightly", "1f2g", "-1f2", "1f2e 3d4c"}) {
    EXPECT_FALSE(IsIdPrefix(text)) << text;
  }
}

TEST(QuoteForFilterTest, QuotesAndBackslashes) {
  EXPECT_EQ(QuoteForFilter("plain"), "\"plain\"");
  EXPECT_EQ(QuoteForFilter("a \"b\" \\ c"), "\"a \\\"b\\\" \\\\ c\"");
}

// A server with these jobs, one a page; understands display_name = "..." alone.
class ResolveJobTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::string> Resolve(const std::string& text) {
    bits::testing::FakeHandlers handlers;
    handlers.list_jobs = [this](const v1::ListJobsRequest& request,
                                v1::ListJobsResponse& response) {
      ++calls_;
      std::vector<v1::Job> matching;
      for (const auto& job : jobs_) {
        const bool final = job.state() == v1::Job::STATE_ACKNOWLEDGED;
        const bool named =
            request.filter() == "display_name = " + QuoteForFilter(job.display_name()) ||
            request.filter() == "display_name = \"nightly*\"";
        if ((!final || request.show_final()) && (request.filter().empty() || named)) {
          matching.push_back(job);
        }
      }
      const std::size_t at = request.page_token().empty() ? 0 : std::stoul(request.page_token());
      if (at < matching.size()) *response.add_jobs() = matching[at];
      if (at + 1 < matching.size()) response.set_next_page_token(std::to_string(at + 1));
      return grpc::Status::OK;
    };
    const bits::testing::FakeBitsd server(std::move(handlers));
    return ResolveJob(Client(MakeConnection(server.address()).value()), text);
  }

  std::vector<v1::Job> jobs_ = {MakeJob(1234, v1::Job::STATE_QUEUED, "first"),
                                MakeJob(1299, v1::Job::STATE_ERROR, "second"),
                                MakeJob(5678, v1::Job::STATE_QUEUED, "nightly-1")};
  int calls_ = 0;
};

TEST_F(ResolveJobTest, AWholeIdIsNotLookedUp) {
  EXPECT_EQ(*Resolve(IdOf(9999)), "jobs/" + IdOf(9999));
  EXPECT_EQ(calls_, 0);
}

TEST_F(ResolveJobTest, ByTheBeginningOfTheId) {
  EXPECT_EQ(*Resolve("1299"), "jobs/" + IdOf(1299));
  EXPECT_EQ(*Resolve("12990000-"), "jobs/" + IdOf(1299));
}

TEST_F(ResolveJobTest, ThreeCharactersAreNoId) {
  const absl::Status status = Resolve("129").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("give 4 characters or more"));
  EXPECT_THAT(std::string(Resolve("xyz").status().message()), Not(HasSubstr("characters")));
}

TEST_F(ResolveJobTest, ByDisplayName) {
  EXPECT_EQ(*Resolve("second"), "jobs/" + IdOf(1299));
  EXPECT_EQ(Resolve("sec").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ResolveJobTest, AStarIsAStar) {
  EXPECT_EQ(Resolve("nightly*").status().code(), absl::StatusCode::kNotFound);
}

TEST_F(ResolveJobTest, SeveralAreNamed) {
  jobs_.push_back(MakeJob(12341, v1::Job::STATE_QUEUED, "third\x1b"));
  const auto resolved = Resolve("1234");
  EXPECT_EQ(resolved.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(resolved.status().message()),
              AllOf(HasSubstr(IdOf(1234) + "  first"), HasSubstr(IdOf(12341) + "  third?"),
                    Not(HasSubstr("second"))));
}

TEST_F(ResolveJobTest, ANameThatLooksLikeAnotherJobsIdIsAmbiguous) {
  jobs_.push_back(MakeJob(4444, v1::Job::STATE_QUEUED, "1234"));
  EXPECT_EQ(Resolve("1234").status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(ResolveJobTest, OneJobMeantByNameAndIdIsOne) {
  jobs_.push_back(MakeJob(4444, v1::Job::STATE_QUEUED, "4444"));
  EXPECT_EQ(*Resolve("4444"), "jobs/" + IdOf(4444));
}

TEST_F(ResolveJobTest, VeryManyAreNotAllNamed) {
  for (int i = 0; i < 20; ++i) jobs_.push_back(MakeJob(1000 + i, v1::Job::STATE_QUEUED, "same"));
  const auto resolved = Resolve("same");
  EXPECT_THAT(std::string(resolved.status().message()),
              AllOf(HasSubstr("and others"), Not(HasSubstr(IdOf(1010)))));
}

TEST_F(ResolveJobTest, LiveJobsComeBeforeFinalOnes) {
  jobs_.push_back(MakeJob(7777, v1::Job::STATE_ACKNOWLEDGED, "first"));
  EXPECT_EQ(*Resolve("first"), "jobs/" + IdOf(1234));
  jobs_.push_back(MakeJob(8888, v1::Job::STATE_ACKNOWLEDGED, "done"));
  EXPECT_EQ(*Resolve("done"), "jobs/" + IdOf(8888));
  EXPECT_EQ(*Resolve("7777"), "jobs/" + IdOf(7777));
}

TEST_F(ResolveJobTest, AnEmptyNameIsNone) {
  EXPECT_EQ(Resolve("").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(calls_, 0);
}

}  // namespace
}  // namespace bits::cli
