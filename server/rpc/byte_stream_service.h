// google.bytestream.ByteStream: the content of files, for clients elsewhere.
#ifndef BITS_SERVER_RPC_BYTE_STREAM_SERVICE_H_
#define BITS_SERVER_RPC_BYTE_STREAM_SERVICE_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "google/bytestream/bytestream.grpc.pb.h"
#include "server/app/job_manager.h"
#include "server/base/executor.h"
#include "server/base/mutex.h"
#include "server/rpc/content_reader.h"
#include "server/rpc/names.h"
#include "server/rpc/unary_call.h"

namespace bits::rpc {

// Called by gRPC, on its few threads: nothing here blocks.
class ByteStreamService final : public google::bytestream::ByteStream::CallbackService {
 public:
  // All of these outlive the service.
  ByteStreamService(const CallEnvironment& env, app::JobManager* jobs, Executor* contents,
                    const ContentOptions& options)
      : env_(env), jobs_(jobs), content_env_{env.gate, contents, env.timers, options} {}

  grpc::ServerWriteReactor<google::bytestream::ReadResponse>* Read(
      grpc::CallbackServerContext* context,
      const google::bytestream::ReadRequest* request) override;

  // Ends those that have not ended by `patience`: the gate, which drains, ends those that get on. False if
  // gRPC is not done with one at the deadline. Blocks.
  bool EndReaders(std::chrono::steady_clock::time_point patience,
                  std::chrono::steady_clock::time_point deadline);

 private:
  using Reader = std::shared_ptr<ContentReader>;
  struct Entry {
    std::weak_ptr<ContentReader> reader;
    std::string principal;
  };
  struct Reading {
    app::Principal principal;
    FileId file;
    ContentReader::Part part;
  };
  absl::StatusOr<Reading> Check(const grpc::CallbackServerContext& context,
                                const google::bytestream::ReadRequest& request) const;
  absl::Status Enlist(uint64_t id, const Reader& reader, const std::string& principal);
  void Forget(uint64_t id);
  bool WaitUntilEmpty(std::chrono::steady_clock::time_point until);

  const CallEnvironment env_;
  app::JobManager* const jobs_;
  const ContentEnvironment content_env_;
  Mutex mutex_;
  CondVar forgotten_;
  uint64_t next_ BITS_GUARDED_BY(mutex_) = 1;
  std::map<uint64_t, Entry> readers_ BITS_GUARDED_BY(mutex_);
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_BYTE_STREAM_SERVICE_H_
