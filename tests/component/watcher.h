// One watch, as a client sees it.
#ifndef BITS_TESTS_COMPONENT_WATCHER_H_
#define BITS_TESTS_COMPONENT_WATCHER_H_

#include <grpcpp/client_context.h>

#include <memory>
#include <string>
#include <vector>

#include "bits/v1/event.pb.h"
#include "bits/v1/job_service.grpc.pb.h"
#include "tests/component/rpc_world.h"

namespace bits::testing {

// One thread. What does not come within half a minute fails the test by DEADLINE_EXCEEDED.
class Watcher {
 public:
  Watcher(v1::JobService::Stub* stub, const v1::WatchJobsRequest& request,
          const std::string& user = "anna");
  ~Watcher();

  // The next message; TYPE_UNSPECIFIED when the stream has ended.
  v1::JobEvent Next();
  // In short: "SNAPSHOT name", "STATE_CHANGED name ERROR", "BOOKMARK"; "END" at the end.
  std::string NextShort();
  // Up to and with the first that is `last` (or the end).
  std::vector<std::string> Until(const std::string& last);
  // The status with which the stream ended; to be called after that.
  grpc::Status Status();
  void Cancel() { context_->TryCancel(); }

  const std::string& cursor() const { return cursor_; }  // of the last message that had one

 private:
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::ClientReader<v1::JobEvent>> reader_;
  std::string cursor_;
  bool finished_ = false;
};

std::string Short(const v1::JobEvent& event);

v1::WatchJobsRequest WatchFrom(const std::string& cursor, const std::string& filter = "");

}  // namespace bits::testing

#endif  // BITS_TESTS_COMPONENT_WATCHER_H_
