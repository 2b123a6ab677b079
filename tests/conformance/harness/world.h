// A bitsd and an origin to fetch from.
#ifndef BITS_TESTS_CONFORMANCE_HARNESS_WORLD_H_
#define BITS_TESTS_CONFORMANCE_HARNESS_WORLD_H_

#include <memory>
#include <string>

#include "tests/conformance/harness/test_bitsd.h"
#include "tests/support/origin_server.h"

namespace bits::testing {

struct World {
  explicit World(TestBitsd::Options options);
  World() : World(TestBitsd::Options()) {}

  std::unique_ptr<OriginServer> origin;
  TestBitsd bitsd;

  // Puts content at a path of the origin that no other call gave; gives the path.
  std::string Put(std::string content, Behavior behavior = {});
  std::string Put(Resource resource);
  std::string Url(const std::string& path) const { return origin->Url(path); }
  // Put, and the URL of it.
  std::string Serve(std::string content, Behavior behavior = {}) {
    return Url(Put(std::move(content), std::move(behavior)));
  }
  // A URL that answers with this status.
  std::string ServeStatus(int status) { return Serve("", {.status = status}); }
  // URLs that keep a job in a state: nothing comes; so many bytes come and then nothing more, and
  // so again when the rest is asked for.
  std::string ServeSilence() { return Serve("silence", {.stall_before_head = true}); }
  std::string ServeStall(size_t bytes = 1000) {
    return Serve(MakeContent(bytes * 4, 1), {.stall_after = bytes});
  }

  // The name of a new job with one file that has come to this state, and stays in it. QUEUED takes a
  // world with one background slot; a job that holds it for good is made when first needed.
  absl::StatusOr<std::string> JobIn(v1::Job::State state);

 private:
  int puts_ = 0;
  bool slot_taken_ = false;
};

// The one that all tests of a program share, made when first asked for. Its bitsd must end well
// when the last test has run. It has one background slot, for JobIn: let jobs be foreground.
World& SharedWorld();

}  // namespace bits::testing

#endif  // BITS_TESTS_CONFORMANCE_HARNESS_WORLD_H_
