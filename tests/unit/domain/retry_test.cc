#include "server/domain/retry.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "server/domain/error_code.h"
#include "tests/unit/domain/world.h"

namespace bits::domain {
namespace {

using S = JobState;

Failure Of(Hresult hresult) {
  Failure failure;
  failure.hresult = hresult;
  failure.context = ErrorContext::kRemoteFile;
  return failure;
}

// bits.md 2.4, and 308, 425 and 429.
TEST(Retry, HttpStatuses) {
  const std::set<uint32_t> fatal_redirects = {300, 301, 302, 303, 304, 305, 307, 308};
  const std::set<uint32_t> transient_refusals = {408, 409, 425, 429};
  for (uint32_t status = 100; status <= 599; ++status) {
    bool transient = true;
    if (status >= 300 && status <= 399) transient = !fatal_redirects.contains(status);
    if (status >= 400 && status <= 499) transient = transient_refusals.contains(status);
    if (status == 501 || status == 505) transient = false;
    EXPECT_EQ(IsTransientHttpStatus(status), transient) << status;
    EXPECT_EQ(IsTransient(Of(FromHttpStatus(status))), transient) << status;
  }
}

TEST(Retry, OtherConditions) {
  const struct {
    const char* symbol;
    bool transient;
  } kCases[] = {
      {"ERROR_WINHTTP_NAME_NOT_RESOLVED", true},
      {"ERROR_WINHTTP_CANNOT_CONNECT", true},
      {"ERROR_WINHTTP_TIMEOUT", true},
      {"ERROR_WINHTTP_CONNECTION_ERROR", true},
      {"ERROR_WINHTTP_INVALID_SERVER_RESPONSE", true},
      {"ERROR_INTERNET_CONNECTION_RESET", true},
      {"ERROR_INTERNET_SERVER_UNREACHABLE", true},
      {"ERROR_CAN_NOT_COMPLETE", true},
      {"ERROR_CONNECTION_REFUSED", true},
      {"ERROR_NETWORK_UNREACHABLE", true},
      {"ERROR_HOST_UNREACHABLE", true},
      {"BG_E_CONNECT_FAILURE", true},
      {"BG_E_CONNECTION_CLOSED", true},
      {"BG_E_NETWORK_DISCONNECTED", true},
      {"BG_E_BLOCKED_BY_POLICY", true},
      {"BG_E_BLOCKED_BY_COST_TRANSFER_POLICY", true},
      {"BG_E_STANDBY_MODE", true},
      {"BG_E_BLOCKED_BY_BATTERY_POLICY", true},
      {"BG_E_BLOCKED_BY_BATTERY_SAVER", true},
      {"BG_E_BLOCKED_BY_BACKGROUND_ACCESS_POLICY", true},
      {"BG_E_BLOCKED_BY_GAME_MODE", true},
      {"BG_E_BLOCKED_BY_SYSTEM_POLICY", true},
      {"BG_E_DESTINATION_LOCKED", true},
      {"ERROR_TOO_MANY_OPEN_FILES", true},
      {"E_OUTOFMEMORY", true},

      {"BG_E_INSUFFICIENT_RANGE_SUPPORT", false},
      {"BG_E_MISSING_FILE_SIZE", false},
      {"BG_E_INVALID_SERVER_RESPONSE", false},
      {"BG_E_INVALID_RANGE", false},
      {"BG_E_INSUFFICIENT_HTTP_SUPPORT", false},
      {"BG_E_VALIDATION_FAILED", false},
      {"BG_E_REMOTE_FILE_CHANGED", false},
      {"BG_E_LOCAL_FILE_CHANGED", false},
      {"BG_E_MAXDOWNLOAD_TIMEOUT", false},
      {"BG_E_MAX_DOWNLOAD_SIZE_LIMIT_REACHED", false},
      {"BG_E_INVALID_PROXY_INFO", false},
      {"BG_E_INVALID_CREDENTIALS", false},
      {"BG_E_TOKEN_REQUIRED", false},
      {"BG_E_NO_PROGRESS", false},
      {"ERROR_WINHTTP_SECURE_FAILURE", false},
      {"ERROR_WINHTTP_SECURE_CERT_REVOKED", false},
      {"ERROR_WINHTTP_SECURE_CERT_REV_FAILED", false},
      {"ERROR_WINHTTP_REDIRECT_FAILED", false},
      {"ERROR_INTERNET_HTTPS_TO_HTTP_ON_REDIR", false},
      {"ERROR_WINHTTP_INVALID_URL", false},
      {"ERROR_WINHTTP_UNRECOGNIZED_SCHEME", false},
      {"ERROR_DISK_FULL", false},
      {"E_ACCESSDENIED", false},
      {"ERROR_SHARING_VIOLATION", false},
      {"ERROR_FILE_NOT_FOUND", false},
      {"ERROR_IO_DEVICE", false},
      {"E_INVALIDARG", false},
      {"E_UNEXPECTED", false},
      {"S_OK", false},
  };
  for (const auto& c : kCases) {
    const std::optional<Hresult> hresult = CodeOf(c.symbol);
    ASSERT_TRUE(hresult.has_value()) << c.symbol;
    EXPECT_EQ(IsTransient(Of(*hresult)), c.transient) << c.symbol;
  }
  EXPECT_FALSE(IsTransient(Of(0xDEADBEEF))) << "what is not known does not mend itself";
}

TEST(Retry, TheCodeDecidesNotTheStatusBesideIt) {
  Failure failure = Of(kValidationFailed);
  failure.http_status = 503;
  EXPECT_FALSE(IsTransient(failure));
}

TEST(Retry, ACertificateThatTheClientRefusesIsTransient) {
  Failure failure = Of(kSecureFailure);
  failure.context = ErrorContext::kServerCertificateCallback;
  EXPECT_TRUE(IsTransient(failure));
}

class RetryTimes : public testing::Test {
 protected:
  absl::Duration Wait(std::optional<absl::Duration> retry_after) const {
    Failure failure = Of(FromHttpStatus(503));
    failure.retry_after = retry_after;
    return RetryTime(job_, failure, now_) - now_;
  }
  bool May() const { return MayRetry(job_, Of(FromHttpStatus(503)), now_); }

  Job job_;
  absl::Time now_ = StartTime();
};

TEST_F(RetryTimes, DelayOfTheJobIsAtLeastFiveSeconds) {
  EXPECT_EQ(Wait(std::nullopt), absl::Seconds(600));
  job_.minimum_retry_delay = absl::Seconds(7);
  EXPECT_EQ(Wait(std::nullopt), absl::Seconds(7));
  for (absl::Duration less : {absl::Seconds(4), absl::ZeroDuration(), -absl::Seconds(9)}) {
    job_.minimum_retry_delay = less;
    EXPECT_EQ(Wait(std::nullopt), absl::Seconds(5));
  }
}

TEST_F(RetryTimes, RetryAfterLengthensTheDelayUpToADay) {
  job_.minimum_retry_delay = absl::Seconds(60);
  EXPECT_EQ(Wait(absl::Seconds(59)), absl::Seconds(60));
  EXPECT_EQ(Wait(absl::Seconds(61)), absl::Seconds(61));
  EXPECT_EQ(Wait(-absl::InfiniteDuration()), absl::Seconds(60));
  EXPECT_EQ(Wait(absl::Hours(24)), absl::Hours(24));
  EXPECT_EQ(Wait(absl::Hours(25)), absl::Hours(24));
  EXPECT_EQ(Wait(absl::InfiniteDuration()), absl::Hours(24));
  job_.minimum_retry_delay = absl::Hours(48);
  EXPECT_EQ(Wait(absl::Hours(25)), absl::Hours(48)) << "the job's own delay has no such bound";
}

TEST_F(RetryTimes, BackoffLiesBetweenTheDelayAndWhatItHasGrownTo) {
  job_.minimum_retry_delay = absl::Seconds(10);
  job_.retry = {absl::Seconds(100), 3};
  const absl::Duration most[] = {absl::Seconds(30), absl::Seconds(90), absl::Seconds(100),
                                 absl::Seconds(100)};
  for (uint32_t n = 0; n < std::size(most); ++n) {
    job_.retry_count = n;
    double sum = 0;
    constexpr int kJobs = 2000;
    for (int i = 0; i < kJobs; ++i) {
      job_.id = "00000000-0000-4000-8000-" + std::to_string(100'000'000'000 + i);
      job_.attempt_count = n + 1;
      const absl::Duration wait = Wait(std::nullopt);
      EXPECT_EQ(wait, Wait(std::nullopt)) << "deterministic";
      ASSERT_GE(wait, absl::Seconds(10));
      ASSERT_LE(wait, most[n]);
      sum += absl::ToDoubleSeconds(wait);
    }
    const double middle = (10 + absl::ToDoubleSeconds(most[n])) / 2;
    EXPECT_NEAR(sum / kJobs, middle, middle * 0.05) << "evenly spread, wait " << n;
  }
  job_.retry_count = 4'000'000'000;
  EXPECT_LE(Wait(std::nullopt), absl::Seconds(100));
  EXPECT_EQ(Wait(absl::Hours(1)), absl::Hours(1)) << "Retry-After still lengthens it";
}

TEST_F(RetryTimes, BackoffDiffersFromTryToTry) {
  job_.id = "00000000-0000-4000-8000-000000000001";
  job_.retry = {absl::Hours(10), 2};
  std::set<absl::Duration> waits;
  for (job_.attempt_count = 1; job_.attempt_count <= 50; ++job_.attempt_count) {
    waits.insert(Wait(std::nullopt));
  }
  EXPECT_GT(waits.size(), 45u);
}

TEST_F(RetryTimes, WithoutBackoffOrRoomForItTheDelayIsFixed) {
  job_.retry_count = 7;
  EXPECT_EQ(Wait(std::nullopt), absl::Seconds(600));
  job_.retry = {absl::Seconds(600), 10};
  EXPECT_EQ(Wait(std::nullopt), absl::Seconds(600));
  job_.retry = {absl::Seconds(9000), 1};
  EXPECT_EQ(Wait(std::nullopt), absl::Seconds(600));
}

TEST(Backoff, StartsAnewWithProgressAndTheOwnersResume) {
  World w = World::In(S::kTransientError);
  EXPECT_EQ(w.job.retry_count, 1u);
  w.Must(RetryDue{});
  w.Must(Start{});
  w.Must(FailWith(TransientFailure()), 1);
  EXPECT_EQ(w.job.retry_count, 2u);
  w.Must(Resume{});
  EXPECT_EQ(w.job.retry_count, 2u) << "a try out of turn is no progress";
  w.Must(Start{});
  w.Checkpointed(1, 10, 20);
  EXPECT_EQ(w.job.retry_count, 0u);
  w.Must(FailWith(TransientFailure()), 1);
  w.Must(Suspend{});
  w.Must(Resume{});
  EXPECT_EQ(w.job.retry_count, 0u);
}

TEST(Backoff, MostMustNotBeLessThanTheLeast) {
  World w;
  Update update;
  update.retry = RetryOptions{absl::Seconds(599), 2};
  EXPECT_EQ(ReasonOf(w.Do(update)), "E_INVALIDARG");
  update.minimum_retry_delay = absl::Seconds(599);
  w.Must(update);
  Update longer;
  longer.minimum_retry_delay = absl::Seconds(600);
  EXPECT_EQ(ReasonOf(w.Do(longer)), "E_INVALIDARG");
}

TEST_F(RetryTimes, MayRetryWhatIsTransientWhileTheTimeoutLasts) {
  EXPECT_TRUE(May());
  EXPECT_FALSE(MayRetry(job_, Of(FromHttpStatus(404)), now_));
  job_.stalled_since = now_ - job_.no_progress_timeout + absl::Nanoseconds(1);
  EXPECT_TRUE(May());
  job_.stalled_since = now_ - job_.no_progress_timeout;
  EXPECT_FALSE(May()) << "used up";
  job_.stalled_since = now_ + absl::Seconds(5);
  EXPECT_TRUE(May()) << "the clock went back";
}

TEST_F(RetryTimes, MayNotRetryWithoutTime) {
  job_.no_progress_timeout = absl::ZeroDuration();
  EXPECT_FALSE(May());
  job_.no_progress_timeout = job_.minimum_retry_delay;
  EXPECT_TRUE(May()) << "as long as the delay is enough";
  job_.no_progress_timeout = job_.minimum_retry_delay - absl::Nanoseconds(1);
  EXPECT_FALSE(May());
  job_.minimum_retry_delay = absl::ZeroDuration();
  job_.no_progress_timeout = absl::Seconds(4);
  EXPECT_FALSE(May()) << "the delay counts as 5 s";
}

}  // namespace
}  // namespace bits::domain
