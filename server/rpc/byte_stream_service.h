// google.bytestream.ByteStream: the content of files, for clients elsewhere.
#ifndef BITS_SERVER_RPC_BYTE_STREAM_SERVICE_H_
#define BITS_SERVER_RPC_BYTE_STREAM_SERVICE_H_

#include <atomic>
#include <cstddef>

#include "google/bytestream/bytestream.grpc.pb.h"
#include "server/app/job_manager.h"
#include "server/base/executor.h"
#include "server/rpc/content_reader.h"
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

 private:
  absl::Status Begin(const grpc::CallbackServerContext& context,
                     const google::bytestream::ReadRequest& request, ContentReader& reader);

  const CallEnvironment env_;
  app::JobManager* const jobs_;
  const ContentEnvironment content_env_;
  std::atomic<size_t> readers_ = 0;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_BYTE_STREAM_SERVICE_H_
