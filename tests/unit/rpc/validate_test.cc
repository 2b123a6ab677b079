#include "server/rpc/validate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "server/base/error_info.h"
#include "tests/support/status_matchers.h"

namespace bits::rpc {
namespace {

using ::bits::testing::HasCode;
using ::bits::testing::HasReason;
using ::testing::AllOf;

std::string Repeat(const std::string& text, int times) {
  std::string repeated;
  for (int i = 0; i < times; ++i) repeated += text;
  return repeated;
}

v1::CreateJobRequest Minimal() {
  v1::CreateJobRequest request;
  request.mutable_job()->set_display_name("job");
  return request;
}

// The status names the field.
void ExpectWrong(const absl::Status& status, const std::string& field,
                 const std::string& reason = "E_INVALIDARG") {
  EXPECT_THAT(status, AllOf(HasCode(absl::StatusCode::kInvalidArgument), HasReason(reason)));
  const auto violations = GetFieldViolations(status);
  ASSERT_EQ(violations.size(), 1u) << field;
  EXPECT_EQ(violations[0].field, field);
}

TEST(NewJobTest, DefaultsAreThoseOfBits) {
  const auto job = NewJobFrom(Minimal());
  BITS_ASSERT_OK(job);
  EXPECT_EQ(job->display_name, "job");
  EXPECT_EQ(job->type, domain::JobType::kDownload);
  EXPECT_EQ(job->priority, domain::Priority::kNormal);
  EXPECT_EQ(job->minimum_retry_delay, absl::Seconds(600));
  EXPECT_EQ(job->no_progress_timeout, absl::Seconds(1209600));
  EXPECT_EQ(job->maximum_download_time, absl::Seconds(7776000));
  EXPECT_EQ(job->options, domain::TransferOptions());
  EXPECT_TRUE(job->labels.empty());
}

TEST(NewJobTest, TakesEveryProperty) {
  v1::CreateJobRequest request = Minimal();
  v1::Job& job = *request.mutable_job();
  job.set_description("about");
  job.set_type(v1::Job::TYPE_DOWNLOAD);
  job.set_priority(v1::Job::PRIORITY_FOREGROUND);
  job.mutable_minimum_retry_delay()->set_seconds(60);
  job.mutable_no_progress_timeout();
  job.mutable_maximum_download_time()->set_seconds(1);
  job.mutable_maximum_download_time()->set_nanos(500'000'000);
  (*job.mutable_labels())["team/a"] = "x";
  job.mutable_transfer_options()->set_max_parallel_files(64);
  job.mutable_transfer_options()->set_require_ranges(true);
  job.mutable_not_before_time()->set_seconds(1'700'000'000);
  job.mutable_deadline()->set_seconds(1'800'000'000);
  job.mutable_deadline()->set_nanos(999'999'999);
  job.mutable_retry_options()->mutable_maximum_retry_delay()->set_seconds(3600);
  job.mutable_retry_options()->set_multiplier(1.5);
  job.set_auto_complete(true);
  // Output only: ignored.
  job.set_name("nonsense");
  job.set_owner("somebody");
  job.set_state(v1::Job::STATE_TRANSFERRED);
  job.set_error_count(7);
  const auto taken = NewJobFrom(request);
  BITS_ASSERT_OK(taken);
  EXPECT_EQ(taken->description, "about");
  EXPECT_EQ(taken->priority, domain::Priority::kForeground);
  EXPECT_EQ(taken->minimum_retry_delay, absl::Seconds(60));
  EXPECT_EQ(taken->no_progress_timeout, absl::ZeroDuration());
  EXPECT_EQ(taken->maximum_download_time, absl::Milliseconds(1500));
  EXPECT_EQ(taken->labels.at("team/a"), "x");
  EXPECT_EQ(taken->options.max_parallel_files, 64u);
  EXPECT_TRUE(taken->options.require_ranges);
  EXPECT_EQ(taken->timing.not_before, absl::FromUnixSeconds(1'700'000'000));
  EXPECT_EQ(taken->timing.deadline,
            absl::FromUnixSeconds(1'800'000'000) + absl::Nanoseconds(999'999'999));
  EXPECT_EQ(taken->retry, (domain::RetryOptions{absl::Hours(1), 1.5}));
  EXPECT_TRUE(taken->auto_complete);
  EXPECT_EQ(taken->owner, "");
  EXPECT_EQ(taken->state, domain::JobState::kSuspended);
  EXPECT_EQ(taken->error_count, 0u);
}

struct WrongJob {
  const char* field;
  std::function<void(v1::Job&)> spoil;
  const char* reason = "E_INVALIDARG";
};

TEST(NewJobTest, RefusesByFieldAndRule) {
  const std::vector<WrongJob> kCases = {
      {"job.display_name", [](v1::Job& job) { job.clear_display_name(); }},
      {"job.display_name", [](v1::Job& job) { job.set_display_name(Repeat("ä", 257)); }},
      {"job.display_name", [](v1::Job& job) { job.set_display_name("\xFF"); }},
      {"job.description", [](v1::Job& job) { job.set_description(Repeat("€", 1025)); },
       "BG_E_STRING_TOO_LONG"},
      {"job.description", [](v1::Job& job) { job.set_description("\xC3"); }},
      {"job.type", [](v1::Job& job) { job.set_type(static_cast<v1::Job::Type>(17)); }},
      {"job.priority", [](v1::Job& job) { job.set_priority(static_cast<v1::Job::Priority>(9)); }},
      {"job.minimum_retry_delay",
       [](v1::Job& job) { job.mutable_minimum_retry_delay()->set_seconds(-1); }},
      {"job.minimum_retry_delay",
       [](v1::Job& job) { job.mutable_minimum_retry_delay()->set_nanos(-1); }},
      {"job.minimum_retry_delay",
       [](v1::Job& job) { job.mutable_minimum_retry_delay()->set_seconds(365 * 86400 + 1); }},
      {"job.no_progress_timeout",
       [](v1::Job& job) {
         job.mutable_no_progress_timeout()->set_seconds(std::numeric_limits<int64_t>::max());
       }},
      {"job.no_progress_timeout",
       [](v1::Job& job) { job.mutable_no_progress_timeout()->set_nanos(1'000'000'000); }},
      {"job.not_before_time", [](v1::Job& job) { job.mutable_not_before_time()->set_nanos(-1); }},
      {"job.not_before_time",
       [](v1::Job& job) { job.mutable_not_before_time()->set_nanos(1'000'000'000); }},
      {"job.retry_options.multiplier",
       [](v1::Job& job) {
         job.mutable_retry_options()->mutable_maximum_retry_delay()->set_seconds(3600);
         job.mutable_retry_options()->set_multiplier(10.5);
       }},
      {"job.retry_options.multiplier",
       [](v1::Job& job) { job.mutable_retry_options()->set_multiplier(0.9); }},
      {"job.retry_options.multiplier",
       [](v1::Job& job) {
         job.mutable_retry_options()->set_multiplier(std::numeric_limits<double>::quiet_NaN());
       }},
      {"job.retry_options.maximum_retry_delay",
       [](v1::Job& job) { job.mutable_retry_options()->set_multiplier(2); }},
      {"job.retry_options.maximum_retry_delay",
       [](v1::Job& job) {
         job.mutable_retry_options()->mutable_maximum_retry_delay()->set_seconds(599);
       }},
      {"job.deadline",
       [](v1::Job& job) { job.mutable_deadline()->set_seconds(253402300800); }},
      {"job.deadline",
       [](v1::Job& job) {
         job.mutable_deadline()->set_seconds(std::numeric_limits<int64_t>::min());
       }},
      {"job.maximum_download_time",
       [](v1::Job& job) {
         job.mutable_maximum_download_time()->set_seconds(365 * 86400);
         job.mutable_maximum_download_time()->set_nanos(1);
       }},
      {"job.labels", [](v1::Job& job) { (*job.mutable_labels())[""] = "x"; }},
      {"job.labels", [](v1::Job& job) { (*job.mutable_labels())["Upper"] = "x"; }},
      {"job.labels", [](v1::Job& job) { (*job.mutable_labels())[std::string(64, 'k')] = "x"; }},
      {"job.labels",
       [](v1::Job& job) {
         for (int i = 0; i < 65; ++i) (*job.mutable_labels())["k" + std::to_string(i)] = "";
       }},
      {"job.labels[\"k\"]",
       [](v1::Job& job) { (*job.mutable_labels())["k"] = std::string(257, 'v'); }},
      {"job.labels[\"k\"]", [](v1::Job& job) { (*job.mutable_labels())["k"] = "\xFF"; }},
      {"job.transfer_options.max_parallel_files",
       [](v1::Job& job) { job.mutable_transfer_options()->set_max_parallel_files(65); }},
  };
  for (const WrongJob& wrong : kCases) {
    v1::CreateJobRequest request = Minimal();
    wrong.spoil(*request.mutable_job());
    ExpectWrong(NewJobFrom(request).status(), wrong.field, wrong.reason);
  }
  ExpectWrong(NewJobFrom(v1::CreateJobRequest()).status(), "job.display_name");
}

TEST(NewJobTest, TheLargestOfEverythingIsTaken) {
  v1::CreateJobRequest request;
  v1::Job& job = *request.mutable_job();
  job.set_display_name(Repeat("😀", 256));
  job.set_description(Repeat("€", 1024));
  job.mutable_minimum_retry_delay()->set_seconds(365 * 86400);
  job.mutable_no_progress_timeout()->set_seconds(365 * 86400);
  job.mutable_maximum_download_time()->set_seconds(365 * 86400);
  for (int i = 0; i < 64; ++i) {
    (*job.mutable_labels())[std::to_string(100 + i) + std::string(60, 'k')] = std::string(256, 'v');
  }
  BITS_EXPECT_OK(NewJobFrom(request));
}

TEST(NewJobTest, UploadsAreNotThereYet) {
  for (const v1::Job::Type type : {v1::Job::TYPE_UPLOAD, v1::Job::TYPE_UPLOAD_REPLY}) {
    v1::CreateJobRequest request = Minimal();
    request.mutable_job()->set_type(type);
    EXPECT_THAT(NewJobFrom(request),
                AllOf(HasCode(absl::StatusCode::kUnimplemented), HasReason("E_NOTIMPL")));
  }
}

// BITS: SetMinimumRetryDelay raises what is less than 5 s without a word.
TEST(NewJobTest, ARetryDelayIsRaisedToFiveSeconds) {
  for (const int seconds : {0, 1, 4}) {
    v1::CreateJobRequest request = Minimal();
    request.mutable_job()->mutable_minimum_retry_delay()->set_seconds(seconds);
    EXPECT_EQ(NewJobFrom(request)->minimum_retry_delay, absl::Seconds(5));
  }
}

v1::File File(const std::string& remote, const std::string& local) {
  v1::File file;
  file.set_remote_name(remote);
  file.set_local_name(local);
  return file;
}

google::protobuf::RepeatedPtrField<v1::File> Files(const std::vector<v1::File>& files) {
  return {files.begin(), files.end()};
}

TEST(FilesTest, NamesAndChecksums) {
  v1::File second = File("https://h/b", "b");
  second.mutable_checksum()->set_algorithm(v1::Checksum::ALGORITHM_CRC32C);
  second.mutable_checksum()->set_hex("DEADBEEF");
  const auto files = FilesFrom(Files({File("http://h/a", "a"), second}));
  BITS_ASSERT_OK(files);
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ((*files)[0].remote_name, "http://h/a");
  EXPECT_EQ((*files)[0].local_name, "a");
  EXPECT_FALSE((*files)[0].checksum.has_value());
  ASSERT_TRUE((*files)[1].checksum.has_value());
  EXPECT_EQ((*files)[1].checksum->algorithm, domain::ChecksumAlgorithm::kCrc32c);
  EXPECT_EQ((*files)[1].checksum->hex, "deadbeef");
}

TEST(FilesTest, TheWrongOneIsNamed) {
  ExpectWrong(FilesFrom(Files({File("http://h/a", "a"), File("ftp://h/b", "b")})).status(),
              "files[1].remote_name");
  ExpectWrong(FilesFrom(Files({File("http://h/a", "../a")})).status(), "files[0].local_name");
  ExpectWrong(FilesFrom(Files({File("http://h/a", "")})).status(), "files[0].local_name");
}

TEST(FilesTest, ChecksumsAreOfTheirAlgorithmsLength) {
  struct Case {
    v1::Checksum::Algorithm algorithm;
    size_t digits;
  };
  for (const Case& good :
       {Case{v1::Checksum::ALGORITHM_SHA256, 64}, Case{v1::Checksum::ALGORITHM_SHA512, 128},
        Case{v1::Checksum::ALGORITHM_MD5, 32}, Case{v1::Checksum::ALGORITHM_CRC32C, 8}}) {
    v1::File file = File("http://h/a", "a");
    file.mutable_checksum()->set_algorithm(good.algorithm);
    file.mutable_checksum()->set_hex(std::string(good.digits, 'a'));
    BITS_EXPECT_OK(FilesFrom(Files({file})));
    for (const std::string& hex :
         {std::string(), std::string(good.digits - 1, 'a'), std::string(good.digits + 1, 'a'),
          std::string(good.digits, 'g')}) {
      file.mutable_checksum()->set_hex(hex);
      ExpectWrong(FilesFrom(Files({file})).status(), "files[0].checksum.hex");
    }
  }
  v1::File file = File("http://h/a", "a");
  file.mutable_checksum();
  ExpectWrong(FilesFrom(Files({file})).status(), "files[0].checksum.algorithm");
  file.mutable_checksum()->set_algorithm(static_cast<v1::Checksum::Algorithm>(99));
  ExpectWrong(FilesFrom(Files({file})).status(), "files[0].checksum.algorithm");
}

TEST(FilesTest, TenThousandACall) {
  std::vector<v1::File> files(10'000, File("http://h/a", "a"));
  BITS_EXPECT_OK(FilesFrom(Files(files)));
  files.push_back(files.front());
  ExpectWrong(FilesFrom(Files(files)).status(), "files");
  BITS_EXPECT_OK(FilesFrom({}));
}

TEST(PageSizeTest, DefaultsAndBounds) {
  EXPECT_EQ(PageSizeFrom(0).value(), 100u);
  EXPECT_EQ(PageSizeFrom(1).value(), 1u);
  EXPECT_EQ(PageSizeFrom(1000).value(), 1000u);
  EXPECT_EQ(PageSizeFrom(1001).value(), 1000u);
  EXPECT_EQ(PageSizeFrom(std::numeric_limits<int32_t>::max()).value(), 1000u);
  ExpectWrong(PageSizeFrom(-1).status(), "page_size");
  ExpectWrong(PageSizeFrom(std::numeric_limits<int32_t>::min()).status(), "page_size");
}

TEST(RequestIdTest, AUuidOrNothing) {
  BITS_EXPECT_OK(CheckRequestId(""));
  BITS_EXPECT_OK(CheckRequestId("0b54b2a1-9d2c-4a5e-8f00-aabbccddeeff"));
  ExpectWrong(CheckRequestId("1"), "request_id");
}

}  // namespace
}  // namespace bits::rpc
