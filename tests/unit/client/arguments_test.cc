#include "client/cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/cli/exit_code.h"
#include "client/cli/file_args.h"
#include "client/cli/job_options.h"

namespace bits::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const std::vector<OptionSpec> kSpecs = {
    {"server", "ADDRESS", ""}, {"json", "", ""}, {"label", "K=V", "", true}, {"help", "", ""}};

std::string Complaint(const std::vector<std::string>& words) {
  const auto arguments = ParseArguments(words, kSpecs);
  EXPECT_EQ(arguments.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(arguments.status().message());
}

TEST(ArgumentsTest, OptionsMayStandAnywhere) {
  const auto arguments = ParseArguments(
      {"one", "--server=here", "--json", "two", "--label", "a=1", "--label=b=2"}, kSpecs);
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_THAT(arguments->rest(), ElementsAre("one", "two"));
  EXPECT_EQ(arguments->Get("server"), "here");
  EXPECT_TRUE(arguments->Has("json"));
  EXPECT_THAT(arguments->GetAll("label"), ElementsAre("a=1", "b=2"));
  EXPECT_FALSE(arguments->Has("help"));
  EXPECT_EQ(arguments->Get("help"), std::nullopt);
  EXPECT_THAT(arguments->GetAll("help"), IsEmpty());
}

TEST(ArgumentsTest, DashesEndTheOptions) {
  const auto arguments = ParseArguments({"--", "--json", "-5"}, kSpecs);
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_THAT(arguments->rest(), ElementsAre("--json", "-5"));
  EXPECT_FALSE(arguments->Has("json"));
}

TEST(ArgumentsTest, ADashAloneIsAWordAndAnEmptyValueAValue) {
  const auto arguments = ParseArguments({"-", "", "--server="}, kSpecs);
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_THAT(arguments->rest(), ElementsAre("-", ""));
  EXPECT_EQ(arguments->Get("server"), "");
}

TEST(ArgumentsTest, ShortHelp) { EXPECT_TRUE(ParseArguments({"-h"}, kSpecs)->Has("help")); }

TEST(ArgumentsTest, ComplaintsSayWhat) {
  EXPECT_THAT(Complaint({"--servre=x"}), HasSubstr("did you mean --server?"));
  EXPECT_EQ(Complaint({"--nothing-like-it"}), "there is no option --nothing-like-it");
  EXPECT_EQ(Complaint({"-x"}), "there is no option -x");
  EXPECT_EQ(Complaint({"-json"}), "there is no option -json (did you mean --json?)");
  EXPECT_EQ(Complaint({"---json"}), "there is no option ---json (did you mean --json?)");
  EXPECT_EQ(Complaint({"--server"}), "--server needs a value: ADDRESS");
  EXPECT_EQ(Complaint({"--json=yes"}), "--json takes no value");
  EXPECT_EQ(Complaint({"--server=a", "--server=b"}), "--server is given twice");
}

TEST(ArgumentsTest, FindsTheCommandBehindOptionsAndTheirValues) {
  EXPECT_EQ(FindCommand({"list", "--json"}, kSpecs), 0U);
  EXPECT_EQ(FindCommand({"--json", "--server", "list", "info"}, kSpecs), 3U);
  EXPECT_EQ(FindCommand({"--server=x", "list"}, kSpecs), 1U);
  EXPECT_EQ(FindCommand({"--json"}, kSpecs), 1U);
  EXPECT_EQ(FindCommand({}, kSpecs), 0U);
}

TEST(NearestTest, OnlyWhatIsNear) {
  EXPECT_EQ(Nearest("resumee", {"resume", "cancel"}), "resume");
  EXPECT_EQ(Nearest("lst", {"list", "set"}), "list");
  EXPECT_EQ(Nearest("frobnicate", {"resume", "cancel"}), "");
}

TEST(LocalNameFromUrlTest, TheLastPartOfThePath) {
  EXPECT_EQ(*LocalNameFromUrl("https://example.com/pub/a.iso"), "a.iso");
  EXPECT_EQ(*LocalNameFromUrl("https://example.com/a.iso?sig=a/b#top"), "a.iso");
  EXPECT_EQ(*LocalNameFromUrl("https://example.com/my%20file%2B1.iso"), "my file+1.iso");
  EXPECT_EQ(*LocalNameFromUrl("https://example.com/100%"), "100%");
  // What would lead elsewhere stays as it is written.
  EXPECT_EQ(*LocalNameFromUrl("https://example.com/..%2Fetc"), "..%2Fetc");
  EXPECT_EQ(*LocalNameFromUrl("https://example.com/a%0Ab"), "a%0Ab");
}

TEST(LocalNameFromUrlTest, AUrlWithoutOne) {
  for (const char* url : {"https://example.com/", "https://example.com", "https://example.com/a/",
                          "https://example.com/..", "https://example.com?x=/a.iso", "a.iso", ""}) {
    EXPECT_FALSE(LocalNameFromUrl(url).ok()) << url;
  }
}

TEST(FilesFromPairsTest, PairsOrAUrlAlone) {
  const auto pairs = FilesFromPairs({"http://a/1", "one", "http://a/2", "two"}, true);
  ASSERT_TRUE(pairs.ok()) << pairs.status();
  ASSERT_THAT(*pairs, SizeIs(2));
  EXPECT_EQ((*pairs)[1].remote_name(), "http://a/2");
  EXPECT_EQ((*pairs)[1].local_name(), "two");
  EXPECT_EQ(FilesFromPairs({"http://a/1"}, true)->at(0).local_name(), "1");
  EXPECT_FALSE(FilesFromPairs({"http://a/1"}, false).ok());
  EXPECT_FALSE(FilesFromPairs({}, true).ok());
  EXPECT_FALSE(FilesFromPairs({"http://a/1", "one", "http://a/2"}, true).ok());
}

TEST(FilesFromPairsTest, ALocalThatEndsWithASlashIsADirectory) {
  const auto files = FilesFromPairs({"http://a/b/1.iso?x=y", "out/", "http://a/2", "two"}, true);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ(files->at(0).local_name(), "out/1.iso");
  EXPECT_EQ(files->at(1).local_name(), "two");
  EXPECT_FALSE(FilesFromPairs({"http://a/", "out/"}, true).ok());
  EXPECT_EQ(FileFromAssignment("http://a/1.iso=out/")->local_name(), "out/1.iso");
}

TEST(FilesFromPairsTest, TwoUrlsAreNoPair) {
  EXPECT_THAT(std::string(FilesFromPairs({"http://a/1", "http://a/2"}, true).status().message()),
              HasSubstr("\"http://a/2\" stands where a local name should be"));
  EXPECT_THAT(std::string(FilesFromPairs({"one", "http://a/1"}, true).status().message()),
              HasSubstr("\"one\" stands where a URL should be"));
}

TEST(FileFromAssignmentTest, PartsAtTheLastEqualsSign) {
  const auto file = FileFromAssignment("https://a/x?k=v&l=w=out/x.bin");
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file->remote_name(), "https://a/x?k=v&l=w");
  EXPECT_EQ(file->local_name(), "out/x.bin");
  for (const char* text : {"", "=", "https://a/x", "https://a/x=", "=x", "x=https://a/x"}) {
    EXPECT_FALSE(FileFromAssignment(text).ok()) << text;
  }
}

TEST(ParseChecksumTest, AlgorithmsAndLengths) {
  const auto checksum = ParseChecksum("SHA256:" + std::string(64, 'A'));
  ASSERT_TRUE(checksum.ok()) << checksum.status();
  EXPECT_EQ(checksum->algorithm(), v1::Checksum::ALGORITHM_SHA256);
  EXPECT_EQ(checksum->hex(), std::string(64, 'A'));
  EXPECT_TRUE(ParseChecksum("crc32c:0123abCD").ok());
  const auto sidecar = ParseChecksum("sha512:@https://a/b.sha512");
  ASSERT_TRUE(sidecar.ok()) << sidecar.status();
  EXPECT_EQ(sidecar->uri(), "https://a/b.sha512");
  EXPECT_EQ(sidecar->hex(), "");
  EXPECT_FALSE(ParseChecksum("sha512:@").ok());
  EXPECT_FALSE(ParseChecksum("sha512:@b.sha512").ok());
  for (const std::string& text :
       {std::string("sha256:abc"), std::string("sha256"), std::string("crc32c:0123abcg"),
        std::string("sha1:") + std::string(40, 'a'), std::string()}) {
    EXPECT_FALSE(ParseChecksum(text).ok()) << text;
  }
}

TEST(SetChecksumsTest, OneForEachFileOrNone) {
  std::vector<v1::File> files(2);
  EXPECT_TRUE(SetChecksums({}, files).ok());
  EXPECT_FALSE(files[0].has_checksum());
  EXPECT_FALSE(SetChecksums({"crc32c:00000000"}, files).ok());
  EXPECT_TRUE(SetChecksums({"crc32c:00000000", "crc32c:00000001"}, files).ok());
  EXPECT_EQ(files[1].checksum().hex(), "00000001");
}

TEST(ParseRangesTest, OffsetsAndLengths) {
  const auto ranges = ParseRanges("0:100,200:eof");
  ASSERT_TRUE(ranges.ok()) << ranges.status();
  ASSERT_EQ(ranges->size(), 2u);
  EXPECT_EQ((*ranges)[0].length(), 100u);
  EXPECT_EQ((*ranges)[1].offset(), 200u);
  EXPECT_FALSE((*ranges)[1].has_length());
  for (const char* text : {"0", ":1", "0:", "0:x", "-1:2", "0:1;2:3"}) {
    EXPECT_FALSE(ParseRanges(text).ok()) << text;
  }
}

TEST(SetRangesTest, ForEachFileOrNone) {
  std::vector<v1::File> files(2);
  EXPECT_TRUE(SetRanges({}, files).ok());
  EXPECT_FALSE(SetRanges({"0:1"}, files).ok());
  EXPECT_TRUE(SetRanges({"", "5:eof"}, files).ok());
  EXPECT_EQ(files[0].ranges_size(), 0);
  EXPECT_EQ(files[1].ranges(0).offset(), 5u);
}

TEST(SetMirrorsTest, OfTheFileThatTheNumberNames) {
  std::vector<v1::File> one(1);
  EXPECT_TRUE(SetMirrors({"http://b/x", "1:https://c:8443/x", "http://[::1]:80/x"}, one).ok());
  ASSERT_EQ(one[0].mirrors_size(), 3);
  EXPECT_EQ(one[0].mirrors(1), "https://c:8443/x");
  std::vector<v1::File> two(2);
  EXPECT_TRUE(SetMirrors({"2:http://b/x", "1:http://a/y", "2:http://c/x"}, two).ok());
  EXPECT_EQ(two[0].mirrors_size(), 1);
  EXPECT_EQ(two[1].mirrors_size(), 2);
  for (const char* text : {"http://b/x", "3:http://b/x", "0:http://b/x", "2:", "x", ""}) {
    EXPECT_FALSE(SetMirrors({text}, two).ok()) << text;
  }
}

absl::StatusOr<std::vector<std::string>> Apply(const std::vector<std::string>& words,
                                               v1::Job& job) {
  return ApplyJobOptions(ParseArguments(words, JobOptionSpecs()).value(), job);
}

TEST(JobOptionsTest, WritesWhatIsGivenAndSaysSo) {
  v1::Job job;
  (*job.mutable_labels())["kept"] = "yes";
  const auto mask =
      Apply({"--priority=Low", "--retry-delay=1m", "--no-progress-timeout=0", "--label=a=b=c",
             "--max-parallel-files=2", "--max-rate=2M", "--require-ranges", "--description=why"},
            job);
  ASSERT_TRUE(mask.ok()) << mask.status();
  EXPECT_THAT(
      *mask,
      ElementsAre("description", "priority", "minimum_retry_delay", "no_progress_timeout", "labels",
                  "transfer_options.max_parallel_files",
                  "transfer_options.max_bytes_per_second", "transfer_options.require_ranges"));
  EXPECT_EQ(job.priority(), v1::Job::PRIORITY_LOW);
  EXPECT_EQ(job.minimum_retry_delay().seconds(), 60);
  EXPECT_TRUE(job.has_no_progress_timeout());
  EXPECT_FALSE(job.has_maximum_download_time());
  EXPECT_EQ(job.labels().at("a"), "b=c");
  EXPECT_EQ(job.labels().at("kept"), "yes");
  EXPECT_EQ(job.transfer_options().max_parallel_files(), 2U);
  EXPECT_EQ(job.transfer_options().max_bytes_per_second(), 2'000'000U);
  EXPECT_TRUE(job.transfer_options().require_ranges());
  EXPECT_EQ(job.description(), "why");
}

TEST(JobOptionsTest, ComplaintsNameTheOption) {
  const std::pair<std::vector<std::string>, const char*> wrong[] = {
      {{"--priority=urgent"}, "foreground, high, normal or low"},
      {{"--priority=unspecified"}, "not a priority"},
      {{"--retry-delay=soon"}, "--retry-delay"},
      {{"--label=x"}, "--label"},
      {{"--label==x"}, "--label"},
      {{"--max-parallel-files=many"}, "--max-parallel-files"},
      {{"--require-ranges", "--no-require-ranges"}, "exclude each other"}};
  for (const auto& [words, said] : wrong) {
    v1::Job job;
    EXPECT_THAT(std::string(Apply(words, job).status().message()), HasSubstr(said));
  }
}

TEST(ExitCodeTest, ByStatus) {
  EXPECT_EQ(ExitCodeFor(absl::OkStatus()), ExitCode::kOk);
  EXPECT_EQ(ExitCodeFor(absl::UnavailableError("")), ExitCode::kUnreachable);
  EXPECT_EQ(ExitCodeFor(absl::DeadlineExceededError("")), ExitCode::kUnreachable);
  for (const auto& status :
       {absl::NotFoundError(""), absl::InvalidArgumentError(""), absl::FailedPreconditionError(""),
        absl::PermissionDeniedError(""), absl::InternalError(""), absl::AbortedError("")}) {
    EXPECT_EQ(ExitCodeFor(status), ExitCode::kRefused) << status;
  }
}

TEST(ExitCodeTest, ByOutcome) {
  v1::Job job;
  job.set_state(v1::Job::STATE_ACKNOWLEDGED);
  job.set_result(v1::Job::RESULT_OK);
  EXPECT_EQ(ExitCodeForFinal(job), ExitCode::kOk);
  job.set_result(v1::Job::RESULT_UNABLE_TO_DELETE_FILES);
  EXPECT_EQ(ExitCodeForFinal(job), ExitCode::kOk);
  job.set_result(v1::Job::RESULT_PARTIAL_COMPLETE);
  EXPECT_EQ(ExitCodeForFinal(job), ExitCode::kIncomplete);
  job.set_result(v1::Job::RESULT_OK);
  job.set_state(v1::Job::STATE_CANCELLED);
  EXPECT_EQ(ExitCodeForFinal(job), ExitCode::kIncomplete);
  EXPECT_EQ(Combine(ExitCode::kOk, ExitCode::kRefused), ExitCode::kRefused);
  EXPECT_EQ(Combine(ExitCode::kUnreachable, ExitCode::kRefused), ExitCode::kUnreachable);
}

}  // namespace
}  // namespace bits::cli
