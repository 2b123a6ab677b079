#include "tests/conformance/harness/world.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/status_macros.h"
#include "tests/support/status_matchers.h"

namespace bits::testing {
namespace {

std::unique_ptr<OriginServer> StartOrigin() {
  absl::StatusOr<std::unique_ptr<OriginServer>> origin = OriginServer::Start();
  if (!origin.ok()) {
    std::fprintf(stderr, "no origin: %s\n", origin.status().ToString().c_str());
    std::abort();
  }
  return *std::move(origin);
}

std::unique_ptr<World> shared;

class SharedWorldEnd : public ::testing::Environment {
  void TearDown() override {
    if (shared == nullptr) return;
    BITS_EXPECT_OK(shared->bitsd.Stop());
    shared = nullptr;
  }
};

const auto* const registered = ::testing::AddGlobalTestEnvironment(new SharedWorldEnd);

}  // namespace

World::World(TestBitsd::Options options) : origin(StartOrigin()), bitsd(std::move(options)) {}

std::string World::Put(std::string content, Behavior behavior) {
  Resource resource;
  resource.body = std::make_shared<std::string>(std::move(content));
  resource.behavior = std::move(behavior);
  return Put(std::move(resource));
}

std::string World::Put(Resource resource) {
  std::string path = absl::StrCat("/", ++puts_);
  origin->Put(path, std::move(resource));
  return path;
}

absl::StatusOr<std::string> World::JobIn(v1::Job::State state) {
  using v1::Job;
  std::string job;
  switch (state) {
    case Job::STATE_SUSPENDED:
      job = bitsd.Create({.files = {{ServeSilence()}}, .start = false});
      break;
    case Job::STATE_QUEUED:
      if (!slot_taken_) {
        slot_taken_ = true;
        const std::string blocker = bitsd.Create(
            {.files = {{ServeSilence()}}, .priority = Job::PRIORITY_NORMAL});
        BITS_RETURN_IF_ERROR(bitsd.Await(blocker, Job::STATE_CONNECTING).status());
      }
      job = bitsd.Create({.files = {{ServeSilence()}}, .priority = Job::PRIORITY_NORMAL});
      break;
    case Job::STATE_CONNECTING:
      job = bitsd.Fetch(ServeSilence());
      break;
    case Job::STATE_TRANSFERRING:
      job = bitsd.Fetch(ServeStall());
      break;
    case Job::STATE_ERROR:
      job = bitsd.Fetch(ServeStatus(404));
      break;
    case Job::STATE_TRANSIENT_ERROR:
      job = bitsd.Fetch(ServeStatus(503));
      break;
    case Job::STATE_TRANSFERRED:
      job = bitsd.Fetch(Serve("content"));
      break;
    case Job::STATE_ACKNOWLEDGED: {
      BITS_ASSIGN_OR_RETURN(job, JobIn(Job::STATE_TRANSFERRED));
      EXPECT_THAT(bitsd.Complete(job), Accepted());
      break;
    }
    case Job::STATE_CANCELLED: {
      BITS_ASSIGN_OR_RETURN(job, JobIn(Job::STATE_SUSPENDED));
      EXPECT_THAT(bitsd.Cancel(job), Accepted());
      break;
    }
    default:
      return absl::InvalidArgumentError("no such state");
  }
  BITS_RETURN_IF_ERROR(bitsd.Await(job, state).status());
  return job;
}

World& SharedWorld() {
  if (shared == nullptr) {
    shared = std::make_unique<World>(TestBitsd::Options{.config = "policy { background_slots: 1 }"});
  }
  return *shared;
}

}  // namespace bits::testing
