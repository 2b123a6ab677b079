#include "server/rpc/convert.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "server/domain/error_code.h"

namespace bits::rpc {
namespace {

constexpr char kId[] = "0b54b2a1-9d2c-4a5e-8f00-aabbccddeeff";
const absl::Time kNow = absl::FromUnixSeconds(1'800'000'000);  // NOLINT(cert-err58-cpp)

domain::Job Job() {
  domain::Job job;
  job.id = kId;
  job.owner = "anna";
  job.display_name = "job";
  job.create_time = kNow;
  job.update_time = kNow + absl::Milliseconds(1500);
  job.activity_time = kNow;
  job.queue_time = kNow;
  job.revision = 42;
  return job;
}

v1::Job Converted(const domain::Job& job) {
  v1::Job converted;
  converted.set_description("from before");
  ToProto(job, domain::Policy(), &converted);
  return converted;
}

TEST(ConvertJobTest, AllOfAJob) {
  domain::Job job = Job();
  job.description = "about";
  job.priority = domain::Priority::kLow;
  job.labels = {{"a", "1"}, {"b", "2"}};
  job.minimum_retry_delay = absl::Seconds(5);
  job.no_progress_timeout = absl::Milliseconds(1500);
  job.maximum_download_time = absl::ZeroDuration();
  job.options = {3, true};
  job.error_count = 7;
  job.attempt_count = 9;
  job.transfer_completion_time = kNow + absl::Seconds(1);
  job.progress = {100, 0, 30, 2, 1, 0};
  const v1::Job converted = Converted(job);
  EXPECT_EQ(converted.name(), std::string("jobs/") + kId);
  EXPECT_EQ(converted.display_name(), "job");
  EXPECT_EQ(converted.description(), "about");
  EXPECT_EQ(converted.type(), v1::Job::TYPE_DOWNLOAD);
  EXPECT_EQ(converted.state(), v1::Job::STATE_SUSPENDED);
  EXPECT_EQ(converted.priority(), v1::Job::PRIORITY_LOW);
  EXPECT_EQ(converted.owner(), "anna");
  EXPECT_EQ(converted.progress().bytes_total(), 100u);
  EXPECT_EQ(converted.progress().bytes_transferred(), 30u);
  EXPECT_EQ(converted.progress().files_total(), 2u);
  EXPECT_EQ(converted.progress().files_transferred(), 1u);
  EXPECT_EQ(converted.create_time().seconds(), 1'800'000'000);
  EXPECT_EQ(converted.update_time().seconds(), 1'800'000'001);
  EXPECT_EQ(converted.update_time().nanos(), 500'000'000);
  EXPECT_EQ(converted.transfer_completion_time().seconds(), 1'800'000'001);
  EXPECT_EQ(converted.expire_time().seconds(), 1'800'000'000 + 90 * 86400);
  EXPECT_EQ(converted.minimum_retry_delay().seconds(), 5);
  EXPECT_EQ(converted.no_progress_timeout().seconds(), 1);
  EXPECT_EQ(converted.no_progress_timeout().nanos(), 500'000'000);
  EXPECT_TRUE(converted.has_maximum_download_time());
  EXPECT_EQ(converted.maximum_download_time().seconds(), 0);
  EXPECT_EQ(converted.error_count(), 7u);
  EXPECT_EQ(converted.attempt_count(), 9u);
  EXPECT_EQ(converted.labels().at("b"), "2");
  EXPECT_EQ(converted.etag(), "\"42\"");
  EXPECT_EQ(converted.transfer_options().max_parallel_files(), 3u);
  EXPECT_TRUE(converted.transfer_options().require_ranges());
  EXPECT_EQ(converted.result(), v1::Job::RESULT_UNSPECIFIED);
}

TEST(ConvertJobTest, NothingOfTheMessageBeforeStays) {
  const v1::Job converted = Converted(Job());
  EXPECT_EQ(converted.description(), "");
  EXPECT_FALSE(converted.has_transfer_completion_time());
}

// BITS: BG_SIZE_UNKNOWN while any file's size is unknown, 0 without files.
TEST(ConvertJobTest, TheTotalIsUnsetWhileUnknown) {
  domain::Job job = Job();
  EXPECT_TRUE(Converted(job).progress().has_bytes_total());
  EXPECT_EQ(Converted(job).progress().bytes_total(), 0u);
  job.progress.files_unsized = 1;
  job.progress.bytes_total = 17;
  EXPECT_FALSE(Converted(job).progress().has_bytes_total());
}

TEST(ConvertJobTest, WhyItWaits) {
  using domain::JobState;
  struct Case {
    JobState state;
    v1::Wait::Reason reason;
  };
  for (const Case& c : {Case{JobState::kQueued, v1::Wait::REASON_SLOT},
                        Case{JobState::kConnecting, v1::Wait::REASON_UNSPECIFIED},
                        Case{JobState::kTransferring, v1::Wait::REASON_UNSPECIFIED},
                        Case{JobState::kSuspended, v1::Wait::REASON_SUSPENDED},
                        Case{JobState::kError, v1::Wait::REASON_ERROR},
                        Case{JobState::kTransientError, v1::Wait::REASON_RETRY},
                        Case{JobState::kTransferred, v1::Wait::REASON_COMPLETE},
                        Case{JobState::kAcknowledged, v1::Wait::REASON_UNSPECIFIED},
                        Case{JobState::kCancelled, v1::Wait::REASON_UNSPECIFIED}}) {
    domain::Job job = Job();
    job.state = c.state;
    job.retry_time = kNow + absl::Seconds(600);
    job.final_time = kNow;
    const v1::Job converted = Converted(job);
    EXPECT_EQ(converted.wait().reason(), c.reason);
    EXPECT_EQ(converted.wait().has_until(), c.state == JobState::kTransientError);
    if (converted.wait().has_until()) {
      EXPECT_EQ(converted.wait().until().seconds(), 1'800'000'600);
    }
  }
  domain::Job completing = Job();
  completing.state = JobState::kTransferred;
  completing.pending = domain::Pending::kPublish;
  EXPECT_FALSE(Converted(completing).has_wait());
}

TEST(ConvertJobTest, StatesThereAndBackByName) {
  for (int i = 0; i < domain::kJobStateCount; ++i) {
    const auto state = static_cast<domain::JobState>(i);
    EXPECT_EQ(StateFrom(ToProto(state)), state);
    EXPECT_EQ(v1::Job::State_Name(ToProto(state)),
              "STATE_" + std::string(domain::StateName(state)));
  }
  EXPECT_EQ(StateFrom(v1::Job::STATE_UNSPECIFIED), std::nullopt);
  EXPECT_EQ(StateFrom(static_cast<v1::Job::State>(10)), std::nullopt);
  EXPECT_EQ(StateFrom(static_cast<v1::Job::State>(-1)), std::nullopt);
}

TEST(ConvertJobTest, Results) {
  domain::Job job = Job();
  job.state = domain::JobState::kAcknowledged;
  job.final_time = kNow;
  for (const domain::JobResult result :
       {domain::JobResult::kOk, domain::JobResult::kPartialComplete,
        domain::JobResult::kUnableToDeleteFiles}) {
    job.result = result;
    EXPECT_EQ(static_cast<int>(Converted(job).result()), static_cast<int>(result));
  }
}

TEST(ConvertFileTest, AllOfAFile) {
  domain::File file;
  file.ordinal = 3;
  file.remote_name = "http://u:p@h/x?y";
  file.local_name = "x";
  file.bytes_total = 10;
  file.bytes_transferred = 4;
  file.completed = true;
  file.checksum = domain::Checksum{domain::ChecksumAlgorithm::kMd5, "00ff"};
  file.validators.etag = "\"e\xFF\"";
  file.last_modified = kNow;
  file.restarts = 2;
  v1::File converted;
  ToProto(kId, file, &converted);
  EXPECT_EQ(converted.name(), std::string("jobs/") + kId + "/files/3");
  EXPECT_EQ(converted.remote_name(), "http://u:p@h/x?y");
  EXPECT_EQ(converted.local_name(), "x");
  EXPECT_EQ(converted.progress().bytes_total(), 10u);
  EXPECT_EQ(converted.progress().bytes_transferred(), 4u);
  EXPECT_TRUE(converted.progress().completed());
  EXPECT_EQ(converted.checksum().algorithm(), v1::Checksum::ALGORITHM_MD5);
  EXPECT_EQ(converted.checksum().hex(), "00ff");
  EXPECT_EQ(converted.remote_etag(), "\"e?\"");
  EXPECT_EQ(converted.last_modified().seconds(), 1'800'000'000);
  EXPECT_EQ(converted.restarts(), 2u);

  ToProto(kId, domain::File(), &converted);
  EXPECT_FALSE(converted.progress().has_bytes_total());
  EXPECT_FALSE(converted.has_checksum());
  EXPECT_FALSE(converted.has_last_modified());
}

domain::Error NotFoundError() {
  domain::Error error;
  error.hresult = domain::FromHttpStatus(404);
  error.context = domain::ErrorContext::kRemoteFile;
  error.file = 2;
  error.remote_name = "http://h/x";
  error.local_name = "x";
  error.protocol = "http";
  error.http_status = 404;
  error.attempt = 5;
  error.occur_time = kNow;
  return error;
}

TEST(ConvertErrorTest, AllOfAnError) {
  v1::Error converted;
  ToProto(kId, NotFoundError(), &converted);
  EXPECT_EQ(converted.hresult(), 0x80190194u);
  EXPECT_EQ(converted.code(), "BG_E_HTTP_ERROR_404");
  EXPECT_EQ(converted.context(), v1::ERROR_CONTEXT_REMOTE_FILE);
  EXPECT_EQ(converted.description(), *domain::DescriptionOf(0x80190194u));
  EXPECT_FALSE(converted.context_description().empty());
  EXPECT_EQ(converted.file(), std::string("jobs/") + kId + "/files/2");
  EXPECT_EQ(converted.remote_name(), "http://h/x");
  EXPECT_EQ(converted.local_name(), "x");
  EXPECT_EQ(converted.protocol(), "http");
  EXPECT_EQ(converted.http_status(), 404u);
  EXPECT_FALSE(converted.transient());
  EXPECT_EQ(converted.attempt(), 5u);
  EXPECT_EQ(converted.occur_time().seconds(), 1'800'000'000);
  EXPECT_FALSE(converted.has_retry_time());
}

TEST(ConvertErrorTest, WithoutAFileAndWithDetail) {
  domain::Error error;
  error.hresult = domain::kMaxDownloadTimeout;
  error.context = domain::ErrorContext::kGeneralQueueManager;
  error.detail = std::string(2000, 'x') + "\xFF";
  error.retry_time = kNow;
  v1::Error converted;
  ToProto(kId, error, &converted);
  EXPECT_EQ(converted.file(), "");
  EXPECT_LE(converted.description().size(), 1024u);
  EXPECT_NE(converted.description().find("(xxx"), std::string::npos);
  EXPECT_TRUE(converted.has_retry_time());

  error.hresult = 0x81234567;
  ToProto(kId, error, &converted);
  EXPECT_FALSE(converted.description().empty());
  EXPECT_FALSE(converted.code().empty());
}

TEST(ConvertErrorTest, EveryContextHasItsNumber) {
  for (int i = 0; i <= 8; ++i) {
    domain::Error error = NotFoundError();
    error.context = static_cast<domain::ErrorContext>(i);
    v1::Error converted;
    ToProto(kId, error, &converted);
    EXPECT_EQ(static_cast<int>(converted.context()), i);
    EXPECT_TRUE(v1::ErrorContext_IsValid(converted.context()));
  }
}

TEST(ConvertErrorTest, Histories) {
  app::ErrorHistory history;
  history.errors = {NotFoundError(), NotFoundError()};
  history.counts = {{domain::FromHttpStatus(404), 100}, {domain::kDiskFull, 1}};
  history.total = 101;
  v1::ListErrorsResponse converted;
  ToProto(kId, history, &converted);
  ASSERT_EQ(converted.errors_size(), 2);
  EXPECT_EQ(converted.errors(1).attempt(), 5u);
  ASSERT_EQ(converted.counts_size(), 2);
  EXPECT_EQ(converted.counts(0).code(), "BG_E_HTTP_ERROR_404");
  EXPECT_EQ(converted.counts(0).count(), 100u);
  EXPECT_EQ(converted.counts(1).hresult(), domain::kDiskFull);
  EXPECT_EQ(converted.total_count(), 101u);
}

TEST(ConvertEventTest, EveryKind) {
  using domain::ChangeKind;
  struct Case {
    ChangeKind kind;
    v1::JobEvent::Type type;
    bool names_file;
  };
  for (const Case& c :
       {Case{ChangeKind::kCreated, v1::JobEvent::TYPE_CREATED, false},
        Case{ChangeKind::kStateChanged, v1::JobEvent::TYPE_STATE_CHANGED, false},
        Case{ChangeKind::kModified, v1::JobEvent::TYPE_MODIFIED, false},
        Case{ChangeKind::kProgress, v1::JobEvent::TYPE_PROGRESS, false},
        Case{ChangeKind::kFileTransferred, v1::JobEvent::TYPE_FILE_TRANSFERRED, true},
        Case{ChangeKind::kFileRestarted, v1::JobEvent::TYPE_FILE_RESTARTED, true},
        Case{ChangeKind::kDeleted, v1::JobEvent::TYPE_DELETED, false}}) {
    app::EventRecord event;
    event.kind = c.kind;
    event.time = kNow;
    event.job = Job();
    event.file = 4;
    v1::JobEvent converted;
    ToProto(event, domain::Policy(), &converted);
    EXPECT_EQ(converted.type(), c.type);
    EXPECT_EQ(converted.job().display_name(), "job");
    EXPECT_EQ(converted.file(), c.names_file ? std::string("jobs/") + kId + "/files/4" : "");
    EXPECT_FALSE(converted.has_error());
    EXPECT_EQ(converted.event_time().seconds(), 1'800'000'000);
    EXPECT_EQ(converted.cursor(), "");
  }
  app::EventRecord failed;
  failed.kind = ChangeKind::kStateChanged;
  failed.job = Job();
  failed.error = NotFoundError();
  v1::JobEvent converted;
  ToProto(failed, domain::Policy(), &converted);
  EXPECT_EQ(converted.error().code(), "BG_E_HTTP_ERROR_404");
}

TEST(ConvertTimeTest, TimesBeforeTheEpochAndBeyondAll) {
  google::protobuf::Timestamp timestamp;
  ToProto(absl::FromUnixMillis(-1500), &timestamp);
  EXPECT_EQ(timestamp.seconds(), -2);
  EXPECT_EQ(timestamp.nanos(), 500'000'000);
  ToProto(absl::InfiniteFuture(), &timestamp);
  EXPECT_EQ(timestamp.seconds(), 253402300799);
  EXPECT_EQ(timestamp.nanos(), 0);
  ToProto(absl::InfinitePast(), &timestamp);
  EXPECT_EQ(timestamp.seconds(), -62135596800);
  google::protobuf::Duration duration;
  ToProto(absl::InfiniteDuration(), &duration);
  EXPECT_EQ(duration.seconds(), 315576000000);
  EXPECT_EQ(duration.nanos(), 0);
}

}  // namespace
}  // namespace bits::rpc
