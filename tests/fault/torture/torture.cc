#include "tests/fault/torture/torture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {

using v1::Job;

namespace {

// Where the bytes that were asked for begin.
uint64_t StartOf(const OriginRequest& request) {
  constexpr std::string_view kUnit = "bytes=";
  const std::string range = request.Header("range");
  uint64_t start = 0;
  if (std::string_view(range).starts_with(kUnit)) {
    std::from_chars(range.data() + kUnit.size(), range.data() + range.size(), start);
  }
  return start;
}

}  // namespace

bool FullTorture() {
  const char* value = std::getenv("BITS_TORTURE");
  return value != nullptr && std::string_view(value) == "full";
}

uint64_t TortureSeed() {
  uint64_t seed = 0;
  const char* given = std::getenv("BITS_SEED");
  if (given == nullptr || !absl::SimpleAtoi(given, &seed)) seed = std::random_device()();
  std::printf("BITS_SEED=%llu\n", static_cast<unsigned long long>(seed));
  return seed;
}

Torture::Torture(Resource resource, uint64_t rate, TestBitsd::Options options, JobSpec spec)
    : world_(std::move(options)), random_(TortureSeed()) {
  resource.behavior.bytes_per_second = rate;
  path_ = world_.Put(std::move(resource));
  spec.files = {{world_.Url(path_), "", spec.files.empty() ? std::nullopt
                                                           : spec.files.front().checksum}};
  job_ = world_.bitsd.Create(spec);
}

uint64_t Torture::Moment(uint64_t size, int kills_left) {
  const std::vector<OriginRequest> requests = origin().Requests(path_);
  const uint64_t sent = BytesSent();
  const uint64_t here =
      requests.empty() ? 0 : StartOf(requests.back()) + sent - requests.back().bytes_sent_before;
  const uint64_t rest = size - std::min(here, size);
  const uint64_t most = std::max<uint64_t>(2 * rest / static_cast<uint64_t>(kills_left + 1), 1);
  return sent + std::uniform_int_distribution<uint64_t>(0, most - 1)(random_);
}

void Torture::KillAt(uint64_t bytes_sent) {
  EXPECT_TRUE(origin().WaitForBytes(path_, bytes_sent, kPatience))
      << "the transfer stands still";
  bitsd().Kill();
}

void Torture::KillAtRandom(uint64_t size, int kills) {
  for (int left = kills; left > 0; --left) {
    KillAt(Moment(size, left));
    Restart();
  }
}

std::vector<Torture::Fetch> Torture::Fetches() const {
  std::vector<Fetch> fetches;
  const std::vector<OriginRequest> requests = world_.origin->Requests(path_);
  for (size_t i = 0; i < requests.size(); ++i) {
    const uint64_t end =
        i + 1 < requests.size() ? requests[i + 1].bytes_sent_before : BytesSent();
    fetches.push_back({StartOf(requests[i]), end - requests[i].bytes_sent_before});
  }
  return fetches;
}

std::vector<uint64_t> Torture::FetchedAgain() const {
  std::vector<uint64_t> again;
  const std::vector<Fetch> fetches = Fetches();
  for (size_t i = 0; i + 1 < fetches.size(); ++i) {
    const uint64_t reached = fetches[i].start + fetches[i].sent;
    again.push_back(reached - std::min(reached, fetches[i + 1].start));
  }
  return again;
}

std::string Torture::Finish(bool resume) {
  Watch& watch = bitsd().watch();
  bool done = false;
  size_t seen = 0;
  while (!done) {
    Job::State last = Job::STATE_UNSPECIFIED;
    const auto news = watch.AwaitEvent(
        [&, at = size_t{0}](const v1::JobEvent& event) mutable {
          if (++at <= seen) return false;
          seen = at;
          if (!TellsState(event) || event.job().name() != job_) return false;
          last = event.job().state();
          return last == Job::STATE_TRANSFERRED || last == Job::STATE_TRANSIENT_ERROR ||
                 last == Job::STATE_ERROR;
        },
        absl::Minutes(5));
    if (!news.ok() || last == Job::STATE_ERROR) {
      ADD_FAILURE() << news.status() << " in " << NamesOf(watch.StatesOf(job_)) << " "
                    << bitsd().ListErrors(job_)->ShortDebugString();
      return "";
    }
    done = last == Job::STATE_TRANSFERRED;
    if (!done && resume) {
      EXPECT_THAT(bitsd().Resume(job_), Accepted());
    }
  }
  EXPECT_THAT(bitsd().Complete(job_), Accepted());
  return ReadFileOr(bitsd().PathOf(job_), "");
}

std::string InMiB(const std::vector<uint64_t>& bytes) {
  std::string text;
  for (uint64_t n : bytes) {
    absl::StrAppendFormat(&text, "%.1f ", static_cast<double>(n) / static_cast<double>(kMiB));
  }
  return text + "MiB";
}

}  // namespace bits::testing
