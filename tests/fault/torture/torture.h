// A job whose bitsd is killed and restarted, and what that cost.
#ifndef BITS_TESTS_FAULT_TORTURE_TORTURE_H_
#define BITS_TESTS_FAULT_TORTURE_TORTURE_H_

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tests/conformance/harness/world.h"

namespace bits::testing {

inline constexpr uint64_t kMiB = 1024 * 1024;

// $BITS_TORTURE is "full": what the project promises, rather than what CI has time for.
bool FullTorture();

// $BITS_SEED, else a new one; told, so that a failure can be had again.
uint64_t TortureSeed();

class Torture {
 public:
  // The origin has `resource` and gives `rate` bytes a second; a foreground job fetches it.
  Torture(Resource resource, uint64_t rate, TestBitsd::Options options = {}, JobSpec spec = {});

  // Once the origin has sent so much in all, kills bitsd with SIGKILL.
  void KillAt(uint64_t bytes_sent);
  // A random moment for KillAt, such that `kills_left` kills, this one included, fit into what is
  // still to be sent of `size` bytes.
  uint64_t Moment(uint64_t size, int kills_left);
  // That many kills at random moments, each followed by a restart.
  void KillAtRandom(uint64_t size, int kills);
  void Restart() { bitsd().Restart(); }

  // Where the body of a request began; its bytes as far as the origin sent them.
  struct Fetch {
    uint64_t start;
    uint64_t sent;
  };
  std::vector<Fetch> Fetches() const;
  // What each request but the first asked for although it had been sent before, in bytes.
  std::vector<uint64_t> FetchedAgain() const;
  uint64_t BytesSent() const { return world_.origin->BytesSent(path_); }

  // Waits until the job is TRANSFERRED, resuming it whenever it is in TRANSIENT_ERROR if
  // `resume`; completes it and gives the content. The test fails if that fails.
  std::string Finish(bool resume = false);

  World& world() { return world_; }
  TestBitsd& bitsd() { return world_.bitsd; }
  OriginServer& origin() { return *world_.origin; }
  const std::string& path() const { return path_; }
  const std::string& job() const { return job_; }
  std::mt19937_64& random() { return random_; }

 private:
  World world_;
  std::string path_;
  std::string job_;
  std::mt19937_64 random_;
};

// "0.1 1.9 0.0 MiB".
std::string InMiB(const std::vector<uint64_t>& bytes);

}  // namespace bits::testing

#endif  // BITS_TESTS_FAULT_TORTURE_TORTURE_H_
