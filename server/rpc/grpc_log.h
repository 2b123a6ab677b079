// What gRPC logs, in our log.
#ifndef BITS_SERVER_RPC_GRPC_LOG_H_
#define BITS_SERVER_RPC_GRPC_LOG_H_

#include <string>

namespace bits::rpc {

// From now on gRPC's lines are lines of BITS_LOG, of our level and format. GRPC_VERBOSITY still
// says which gRPC makes (default ERROR). Any thread, any number of times.
void TakeOverGrpcLog();

// Keeps what gRPC logs on this thread out of the log, for as long as it lives: for a failure that
// is told in better words. One at a time on a thread. Needs TakeOverGrpcLog.
class GrpcLogCapture {
 public:
  GrpcLogCapture();
  ~GrpcLogCapture();
  GrpcLogCapture(const GrpcLogCapture&) = delete;
  GrpcLogCapture& operator=(const GrpcLogCapture&) = delete;

  // What was logged so far, for people.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace bits::rpc

#endif  // BITS_SERVER_RPC_GRPC_LOG_H_
