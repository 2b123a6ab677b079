#include "server/store/record.h"

#include <gtest/gtest.h>

#include "server/store/record.pb.h"
#include "tests/contract/samples.h"
#include "tests/support/status_matchers.h"

namespace bits::store {
namespace {

using absl::StatusCode;
using testing::HasCode;
using testing::Samples;

TEST(Record, GivesBackWhatWasEncoded) {
  Samples samples(3);
  for (int i = 0; i < 500; ++i) {
    domain::Job job = samples.Job();
    job.version = samples.Below(1000);
    EXPECT_EQ(*DecodeJob(EncodeJob(job)), job);
    const domain::File file = samples.File(static_cast<uint32_t>(i));
    EXPECT_EQ(*DecodeFile(EncodeFile(file)), file);
    const domain::Error error = samples.Error();
    EXPECT_EQ(*DecodeError(EncodeError(error)), error);
  }
  EXPECT_EQ(*DecodeJob(EncodeJob(domain::Job())), domain::Job());
  EXPECT_EQ(*DecodeFile(EncodeFile(domain::File())), domain::File());
  EXPECT_EQ(*DecodeError(EncodeError(domain::Error())), domain::Error());
}

TEST(Record, KeepsExtremeTimesAndDurations) {
  domain::Job job;
  for (const absl::Time time :
       {absl::InfiniteFuture(), absl::InfinitePast(), absl::UnixEpoch(),
        absl::FromUnixSeconds(-62135596800), absl::FromUnixSeconds(253402300799),
        absl::FromUnixNanos(-1), absl::FromUnixNanos(1), absl::FromUnixNanos(999999999)}) {
    job.create_time = time;
    job.retry_time = time;
    EXPECT_EQ(DecodeJob(EncodeJob(job))->create_time, time);
    EXPECT_EQ(DecodeJob(EncodeJob(job))->retry_time, time);
  }
  for (const absl::Duration duration :
       {absl::InfiniteDuration(), -absl::InfiniteDuration(), absl::ZeroDuration(),
        absl::Nanoseconds(1), absl::Nanoseconds(-1), absl::Seconds(-1) - absl::Nanoseconds(1),
        absl::Hours(24 * 365 * 1000)}) {
    job.no_progress_timeout = duration;
    EXPECT_EQ(DecodeJob(EncodeJob(job))->no_progress_timeout, duration);
  }
}

TEST(Record, DistinguishesAbsentFromZero) {
  domain::File file;
  EXPECT_EQ(DecodeFile(EncodeFile(file))->bytes_total, std::nullopt);
  file.bytes_total = 0;
  EXPECT_EQ(DecodeFile(EncodeFile(file))->bytes_total, 0u);
  domain::Job job;
  job.error = domain::Error();
  job.retry_time = absl::UnixEpoch();
  EXPECT_EQ(DecodeJob(EncodeJob(job))->error, domain::Error());
  EXPECT_EQ(DecodeJob(EncodeJob(job))->retry_time, absl::UnixEpoch());
}

TEST(Record, RefusesWhatIsNone) {
  const std::string garbage = "\xff\xff\xff garbage";
  EXPECT_THAT(DecodeJob(garbage), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeFile(garbage), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeError(garbage), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeEvent(garbage), HasCode(StatusCode::kUnavailable));
  EXPECT_THAT(DecodeRequest(garbage), HasCode(StatusCode::kUnavailable));
  Samples samples(4);
  const std::string job = EncodeJob(samples.Job());
  EXPECT_THAT(DecodeJob(job.substr(0, job.size() - 1)), HasCode(StatusCode::kUnavailable));

  v1::JobRecord bad_state;
  bad_state.set_state(99);
  EXPECT_THAT(DecodeJob(bad_state.SerializeAsString()), HasCode(StatusCode::kUnavailable));
  v1::JobRecord bad_id;
  bad_id.set_id("short");
  EXPECT_THAT(DecodeJob(bad_id.SerializeAsString()), HasCode(StatusCode::kUnavailable));
}

TEST(Record, LetsAFieldOfTheFuturePass) {
  domain::Job job = Samples(5).Job();
  // Field 1000, a varint.
  EXPECT_EQ(*DecodeJob(EncodeJob(job) + "\xc0\x3e\x01"), job);
}

}  // namespace
}  // namespace bits::store
