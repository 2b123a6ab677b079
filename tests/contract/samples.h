// Values to store: every field set to something, and the same ones for the same seed.
#ifndef BITS_TESTS_CONTRACT_SAMPLES_H_
#define BITS_TESTS_CONTRACT_SAMPLES_H_

#include <cstdint>
#include <random>
#include <string>

#include "absl/time/time.h"
#include "server/app/ports/job_store.h"
#include "server/domain/error.h"
#include "server/domain/job.h"
#include "server/domain/job_filter.h"

namespace bits::testing {

// One thread.
class Samples {
 public:
  explicit Samples(uint64_t seed) : random_(seed) {}

  // Below `end`, which is 1 or more.
  uint64_t Below(uint64_t end) { return random_() % end; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }

  domain::JobId Id();
  // Any bytes, at most `longest` of them.
  std::string Bytes(size_t longest);
  // To the nanosecond, within some decades of 2000; now and then far away.
  absl::Time Time();
  absl::Duration Duration();

  // Fields at random, absent ones too. Owners, names, labels are of a few that come again and
  // again, so that filters find some.
  domain::Job Job();
  domain::HttpOptions HttpOptions();
  domain::File File(uint32_t ordinal);
  domain::Error Error();
  app::EventRecord Event();
  app::RequestRecord Request();

  // One that can be asked by a client, or one that cannot; nested to `depth`.
  domain::JobFilter Filter(int depth);

 private:
  std::string Name();
  domain::Comparison Comparison();

  std::mt19937_64 random_;
};

// A job as the domain makes them: QUEUED, with the default properties, the times at `now`.
domain::Job QueuedJob(const domain::JobId& id, const std::string& owner, absl::Time now);

}  // namespace bits::testing

#endif  // BITS_TESTS_CONTRACT_SAMPLES_H_
